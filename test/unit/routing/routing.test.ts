import { afterEach, describe, expect, it } from '@jest/globals';
import {
  ApplicationCallPipeline,
  ApplicationSendPipeline,
  AttributeKey,
  type Plugin,
  PorticoError,
  type Route,
  RoutingCallFinished,
  RoutingCallStarted,
  routing,
  TextContent,
} from 'portico';
import { type TestApplicationEngine, testApplication } from 'portico/testing';

describe('routing', () => {
  let engine: TestApplicationEngine | undefined;
  afterEach(() => engine?.stop(0));
  const read = async (target: string): Promise<string> => (await engine?.client.get(target))?.text() ?? '';

  it('runs interceptors from the root to the route, then the handler', async () => {
    const seen: string[] = [];
    engine = await testApplication((app) => {
      app.intercept(ApplicationCallPipeline.Plugins, () => void seen.push('application'));
      routing(app, (r) => {
        r.route('/a', (a) => {
          a.intercept(ApplicationCallPipeline.Plugins, () => void seen.push('a'));
          a.route('/b', (b) => {
            b.get(() => {
              seen.push('handler');
              return 'b';
            });
            b.intercept(ApplicationCallPipeline.Setup, () => void seen.push('b'));
          });
        });
        r.intercept(ApplicationCallPipeline.Plugins, () => void seen.push('root'));
      });
    });
    expect(await read('/a/b')).toBe('b');
    expect(seen).toEqual(['application', 'b', 'root', 'a', 'handler']);
  });

  it('sees interceptors and handlers that were added after the first call', async () => {
    let added: Route | undefined;
    engine = await testApplication((app) => {
      routing(app, (r) => {
        r.get('/x', (call) => call.attributes.getOrNull(KEY) ?? 'none');
        added = r as unknown as Route;
      });
    });
    expect(await read('/x')).toBe('none');
    added?.intercept(ApplicationCallPipeline.Plugins, ({ call }) => call.attributes.put(KEY, 'late'));
    expect(await read('/x')).toBe('late');
    added?.sendPipeline.intercept(ApplicationSendPipeline.After, (run) => {
      run.subject = new TextContent('replaced by the route');
    });
    expect(await read('/x')).toBe('replaced by the route');
    engine.application.sendPipeline.intercept(ApplicationSendPipeline.Before, (run, subject) => {
      if (subject === 'late') run.subject = 'early';
    });
    added?.get('/x', () => 'second handler, not reached');
    expect(await read('/x')).toBe('replaced by the route');
  });

  it('runs the next handler of a route when one has not answered', async () => {
    engine = await testApplication((app) => {
      routing(app, (r) => {
        r.get('/x', () => undefined);
        r.get('/x', async () => 'second');
        r.get('/x', () => 'third');
      });
    });
    expect(await read('/x')).toBe('second');
  });

  it('adds to the same tree when it is used again', async () => {
    engine = await testApplication((app) => {
      const first = routing(app, (r) => void r.get('/a', () => 'a'));
      const second = routing(app, (r) => void r.get('/b', () => 'b'));
      expect(second).toBe(first);
    });
    expect([await read('/a'), await read('/b')]).toEqual(['a', 'b']);
  });

  it('tells the start and the end of a route, also when it fails', async () => {
    const seen: string[] = [];
    engine = await testApplication((app) => {
      app.monitor.subscribe(RoutingCallStarted, ({ route }) => seen.push(`started ${route}`));
      app.monitor.subscribe(RoutingCallFinished, ({ route }) => seen.push(`finished ${route}`));
      routing(app, (r) => {
        r.get('/fine', async () => 'fine');
        r.get('/fails', () => {
          throw new Error('on purpose');
        });
      });
    });
    await read('/fine');
    await read('/fails');
    await read('/neither');
    expect(seen).toEqual([
      'started /fine/(method:GET)',
      'finished /fine/(method:GET)',
      'started /fails/(method:GET)',
      'finished /fails/(method:GET)',
    ]);
  });

  it('answers a bad escape in the path with 400', async () => {
    engine = await testApplication((app) => void routing(app, (r) => void r.get('/{a}', () => 'a')));
    expect((await engine.client.get('/%zz')).status).toBe(400);
  });

  it('refuses a second installation of a plugin on one route', async () => {
    const plugin: Plugin<Route, undefined, string> = {
      key: new AttributeKey('Test'),
      install: () => 'installed',
    };
    const starting = testApplication((app) => {
      routing(app, (r) => {
        r.route('/a').install(plugin);
        r.route('/b').install(plugin);
        r.route('/a').install(plugin);
      });
    });
    await expect(starting).rejects.toMatchObject({ code: 'PORTICO_DUPLICATE_PLUGIN' });
  });

  it('refuses text behind a tailcard', async () => {
    await expect(
      testApplication((app) => void routing(app, (r) => void r.route('/{a...}x'))),
    ).rejects.toThrow(PorticoError);
  });

  it('answers the same whatever the number of sibling routes', async () => {
    engine = await testApplication((app) => {
      routing(app, (r) => {
        for (let i = 0; i < 500; i++) r.get(`/c${i}`, () => `constant ${i}`);
        r.get('/{any}', (call) => `any ${call.parameters.any}`);
        for (let i = 500; i < 1000; i++) r.get(`/c${i}`, () => `constant ${i}`);
      });
    });
    expect([await read('/c0'), await read('/c999'), await read('/d')]).toEqual([
      'constant 0',
      'constant 999',
      'any d',
    ]);
  });
});

const KEY = new AttributeKey<string>('test.key');
