import { describe, expect, it } from '@jest/globals';
import {
  type Application,
  CallFailed,
  CallUnhandled,
  createApplicationPlugin,
  createRouteScopedPlugin,
  ObjectConfig,
  pluginOf,
  ReceiveRequestBytes,
  RequestBody,
  ResponseSent,
  type Route,
  routing,
} from 'portico';
import { testApplication } from 'portico/testing';

const Named = createRouteScopedPlugin('Named', {
  createConfig: () => ({ name: 'nobody' }),
  install: ({ config }) => config.name,
});

describe('a plugin', () => {
  it('is found by what it gave, and missed by its name', async () => {
    const application = await testApplication((app) => {
      expect(() => app.plugin(Named)).toThrow(expect.objectContaining({ code: 'PORTICO_MISSING_PLUGIN' }));
      app.install(Named, (config) => {
        config.name = 'ann';
      });
      expect(app.plugin(Named)).toBe('ann');
      expect(() => app.install(Named)).toThrow(expect.objectContaining({ code: 'PORTICO_DUPLICATE_PLUGIN' }));
    });
    await application.stop();
  });

  it('of a route is the nearest upwards', async () => {
    const application = await testApplication((app) => {
      const inner = routing(app).route('/a/b') as unknown as Route;
      expect(() => pluginOf(inner, Named)).toThrow(
        expect.objectContaining({ code: 'PORTICO_MISSING_PLUGIN' }),
      );
      (inner.parent as Route).install(Named, (config) => {
        config.name = 'outer';
      });
      expect(pluginOf(inner, Named)).toBe('outer');
    });
    await application.stop();
  });

  it('cannot be installed into the application and a route of it', async () => {
    const starting = testApplication((app) => {
      app.install(Named);
      routing(app).route('/a').install(Named);
    });
    await expect(starting).rejects.toMatchObject({ code: 'PORTICO_DUPLICATE_PLUGIN' });
  });

  it('cannot be installed into a route and then into the application', async () => {
    const starting = testApplication((app) => {
      routing(app).route('/a').install(Named);
      app.install(Named);
    });
    await expect(starting).rejects.toMatchObject({ code: 'PORTICO_DUPLICATE_PLUGIN' });
  });

  it('reads its defaults from the configuration of the application', async () => {
    const Sized = createApplicationPlugin('Sized', {
      configurationPath: 'portico.sized',
      createConfig: (settings) => ({ size: settings.propertyOrNull('size')?.getString() ?? 'none' }),
      install: ({ config }) => config.size,
    });
    const sizes: string[] = [];
    const module = (app: Application) => void sizes.push(app.install(Sized));
    for (const config of [{}, { portico: { sized: { size: 7 } } }]) {
      const application = await testApplication(module, { config: new ObjectConfig(config) });
      await application.stop();
    }
    expect(sizes).toEqual(['none', '7']);
  });

  it('is closed when the application stops, when it can be', async () => {
    const closed: string[] = [];
    const Held = createApplicationPlugin('Held', {
      createConfig: () => ({}),
      install: () => ({ close: () => void closed.push('Held') }),
    });
    const application = await testApplication((app) => void app.install(Held));
    await application.stop();
    expect(closed).toEqual(['Held']);
  });
});

describe('a hook', () => {
  it('sees failures, may answer them, and passes on what it does not answer', async () => {
    const seen: string[] = [];
    const Catching = createApplicationPlugin('Catching', {
      createConfig: () => ({}),
      install: (plugin) =>
        plugin.on(CallFailed, async (call, error) => {
          await Promise.resolve();
          seen.push((error as Error).message);
          if (call.localPath === '/answered') await call.respondText('sorry', undefined, 503);
        }),
    });
    const application = await testApplication((app) => {
      app.install(Catching);
      routing(app, (r) => {
        r.get('/answered', () => {
          throw new Error('first');
        });
        r.get('/other', async () => {
          await Promise.resolve();
          throw new Error('second');
        });
      });
    });
    expect((await application.client.get('/answered')).status).toBe(503);
    expect((await application.client.get('/other')).status).toBe(500);
    expect(seen).toEqual(['first', 'second']);
    await application.stop();
  });

  it('may answer calls that nobody has answered', async () => {
    const application = await testApplication((app) => {
      app.install(
        createApplicationPlugin('Lost', {
          createConfig: () => ({}),
          install: (plugin) => plugin.on(CallUnhandled, (call) => call.respondText('lost', undefined, 404)),
        }),
      );
      routing(app, (r) => r.get('/', (call) => call.respondText('home')));
    });
    const texts = await Promise.all(
      ['/', '/x'].map(async (path) => (await application.client.get(path)).text()),
    );
    expect(texts).toEqual(['home', 'lost']);
    await application.stop();
  });

  it('is told once that an answer was sent, whatever is answered behind it', async () => {
    let sent = 0;
    const application = await testApplication((app) => {
      app.install(
        createApplicationPlugin('Counting', {
          createConfig: () => ({}),
          install: (plugin) => plugin.on(ResponseSent, () => void sent++),
        }),
      );
      routing(app, (r) =>
        r.get('/', async (call) => {
          await call.respondText('one');
          await call.respondText('two');
        }),
      );
    });
    expect(await (await application.client.get('/')).text()).toBe('one');
    expect(sent).toBe(1);
    await application.stop();
  });

  it('may put another body in the place of the one that came', async () => {
    const application = await testApplication((app) => {
      app.install(
        createApplicationPlugin('Doubling', {
          createConfig: () => ({}),
          install: (plugin) =>
            plugin.on(ReceiveRequestBytes, async (_call, body) => {
              const bytes = await body.readAll();
              return RequestBody.of(Buffer.concat([bytes, bytes]));
            }),
        }),
      );
      routing(app, (r) => r.post('/', async (call) => call.respondText(await call.receiveText())));
    });
    const response = await application.client.request('POST', '/', { body: 'ab' });
    expect(await response.text()).toBe('abab');
    await application.stop();
  });
});
