import { describe, expect, it } from '@jest/globals';
import {
  type Application,
  ApplicationModulesLoaded,
  ApplicationStarted,
  ApplicationStarting,
  ApplicationStopPreparing,
  ApplicationStopped,
  ApplicationStopping,
  BadRequestError,
  ConsoleLog,
  IgnoreTrailingSlash,
  ObjectConfig,
  routing,
  ServerReady,
} from 'portico';
import { runTestApplication, TestApplication, testApplication } from 'portico/testing';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

function greeting(application: Application): void {
  routing(application, (r) => {
    r.get('/', (call) => `hello ${call.application.environment.config.property('name').getString()}`);
    r.get('/fail', () => {
      throw new RangeError('the handler is broken');
    });
    r.get('/bad', () => {
      throw new BadRequestError('no');
    });
    r.get('/cut', (call) =>
      call.respondWriter(async (writer) => {
        await writer.write('a');
        throw new RangeError('the writer is broken');
      }),
    );
  });
}

const named = { config: new ObjectConfig({ name: 'Ada' }) };

describe('testApplication', () => {
  it('starts modules and gives the application to the caller', async () => {
    const application = await testApplication([greeting], named);
    expect(await (await application.client.get('/')).text()).toBe('hello Ada');
    expect((await application.client.get('/fail')).status).toBe(500);
    await application.stop();
  });

  it('runs the modules that the configuration names, before the given ones', async () => {
    const temporary = new TemporaryFolder();
    const folder = temporary.write('bundle', {
      'named.mjs': "export const first = (a) => a.log.info('named module');",
    });
    const lines: string[] = [];
    const log = new ConsoleLog('silent');
    log.info = (line) => void lines.push(line);
    const given = (application: Application): void => {
      application.log.info('given module');
      greeting(application);
    };
    const modules = (): string[] => lines.splice(0).filter((line) => line.endsWith('module'));
    const config = { portico: { application: { modules: ['named.mjs#first'] } }, name: 'Ada' };

    const application = await testApplication(given, { config, folder, log });
    expect(await (await application.client.get('/')).text()).toBe('hello Ada');
    await application.stop();
    expect(modules()).toEqual(['named module', 'given module']);

    await testApplication(given, async (t) => {
      t.folder = folder;
      t.environment({ config, log });
      expect(await (await t.client.get('/')).text()).toBe('hello Ada');
    });
    expect(modules()).toEqual(['named module', 'given module']);

    await expect(testApplication(given, { config })).rejects.toThrow(/named\.mjs/);
    const never = { portico: { application: { startup: 'never' } } };
    const refused = testApplication(given, { config: never });
    await expect(refused).rejects.toMatchObject({ code: 'PORTICO_STARTUP_INVALID' });
    temporary.remove();
  });

  it('rethrows errors of handlers when it is told to', async () => {
    const application = await testApplication(greeting, { rethrowErrors: true });
    await expect(application.client.get('/fail')).rejects.toThrow('the handler is broken');
    await application.stop();
  });

  it('gives the application to a test behind the modules, and stops it', async () => {
    let stopped = 0;
    const result = await testApplication(greeting, async (t) => {
      t.environment(named);
      t.monitor.subscribe(ApplicationStopped, () => {
        stopped++;
      });
      return (await t.client.get('/')).text();
    });
    expect([result, stopped]).toEqual(['hello Ada', 1]);
  });
});

describe('runTestApplication', () => {
  it('starts with the first request and raises every event once, in order', async () => {
    const events: string[] = [];
    await runTestApplication(async (t) => {
      for (const event of [
        ApplicationStarting,
        ApplicationModulesLoaded,
        ApplicationStarted,
        ServerReady,
        ApplicationStopPreparing,
        ApplicationStopping,
        ApplicationStopped,
      ])
        t.monitor.subscribe(event as typeof ApplicationStarted, () => {
          events.push(event.name);
        });
      t.application(greeting);
      expect(events).toEqual([]);
      await Promise.all([t.client.get('/bad'), t.client.get('/bad')]);
      expect(events.at(-1)).toBe('ServerReady');
    });
    expect(events).toEqual([
      'ApplicationStarting',
      'ApplicationModulesLoaded',
      'ApplicationStarted',
      'ServerReady',
      'ApplicationStopPreparing',
      'ApplicationStopping',
      'ApplicationStopped',
    ]);
  });

  it('starts nothing when the test sends no request', async () => {
    let ran = false;
    await runTestApplication((t) => {
      t.application(() => {
        ran = true;
      });
    });
    expect(ran).toBe(false);
  });

  it('stops the application also when the test fails, and tells the failure', async () => {
    let stopped = false;
    const failing = runTestApplication(async (t) => {
      t.monitor.subscribe(ApplicationStopped, () => {
        stopped = true;
      });
      await t.start();
      throw new Error('the test failed');
    });
    await expect(failing).rejects.toThrow('the test failed');
    expect(stopped).toBe(true);
  });

  it('is in the environment of a test', async () => {
    await runTestApplication(async (t) => {
      const { application } = await t.start();
      const { config, developmentMode, rootPath } = application.environment;
      expect(config.property('portico.deployment.environment').getString()).toBe('test');
      expect([developmentMode, rootPath]).toEqual([true, '']);
    });
  });

  it('adds routes and plugins without a module', async () => {
    await runTestApplication(async (t) => {
      t.install(IgnoreTrailingSlash).routing((r) => r.get('/a', () => 'a'));
      expect(await (await t.client.get('/a/')).text()).toBe('a');
    });
  });

  it('rejects the request with the error of the handler, unless it has a status of its own', async () => {
    await runTestApplication(async (t) => {
      t.application(greeting).environment(named);
      await expect(t.client.get('/fail')).rejects.toThrow(new RangeError('the handler is broken'));
      expect((await t.client.get('/bad')).status).toBe(400);
      const cut = await t.client.get('/cut');
      await expect(cut.text()).rejects.toMatchObject({
        code: 'PORTICO_TRUNCATED',
        cause: new RangeError('the writer is broken'),
      });
    });
  });

  it.each([
    [(t: TestApplication) => t.environment({ config: { portico: { test: { throwOnException: false } } } })],
    [
      (t: TestApplication) => {
        t.rethrowErrors = false;
      },
    ],
  ])('answers with 500 instead when it is switched off: %#', async (configure) => {
    await runTestApplication(async (t) => {
      t.application(greeting);
      configure(t);
      const response = await t.client.get('/fail');
      expect(response.status).toBe(500);
      expect(await response.text()).toContain('the handler is broken');
    });
  });

  it('tells the first request why a module failed, and every later one', async () => {
    await runTestApplication(async (t) => {
      t.application(() => {
        throw new Error('no database');
      });
      await expect(t.client.get('/')).rejects.toThrow('no database');
      await expect(t.client.get('/')).rejects.toThrow('no database');
    });
  });

  it('cannot be changed once it is started', async () => {
    await runTestApplication(async (t) => {
      t.application(greeting);
      await t.start();
      for (const change of [
        () => t.application(greeting),
        () => t.environment({}),
        () => t.connectors([]),
        () => t.externalServices(() => undefined),
        () => t.routing(() => undefined),
      ])
        expect(change).toThrow(expect.objectContaining({ code: 'PORTICO_TEST_STARTED' }));
    });
  });
});

describe('the network of a test', () => {
  it('reaches the application as localhost, by http and https', async () => {
    await runTestApplication(async (t) => {
      t.routing((r) =>
        r.get('/where', ({ request }) => `${request.scheme} ${request.authority} ${request.localPort}`),
      );
      const read = async (target: string) => (await t.client.get(target)).text();
      expect(await read('/where')).toBe('http localhost 80');
      expect(await read('http://localhost/where')).toBe('http localhost 80');
      expect(await read('https://LOCALHOST/where')).toBe('https localhost 443');
      expect(await read('http://localhost:80/where')).toBe('http localhost 80');
    });
  });

  it.each(['http://elsewhere/', 'http://localhost:8080/', 'https://localhost:80/'])(
    'refuses %s, which is nobody',
    async (target) => {
      await runTestApplication(async (t) => {
        await expect(t.client.get(target)).rejects.toMatchObject({ code: 'PORTICO_TEST_UNKNOWN_HOST' });
      });
    },
  );

  it.each(['items', 'ftp://localhost/', 'http://', ''])('refuses the target %j', async (target) => {
    await runTestApplication(async (t) => {
      await expect(t.client.get(target)).rejects.toMatchObject({ code: 'PORTICO_TEST_TARGET' });
    });
  });

  it('takes other connectors', async () => {
    await runTestApplication(async (t) => {
      t.connectors([{ scheme: 'http', host: 'shop.example', port: 8080 }]);
      t.routing((r) => r.get('/', ({ request }) => `${request.authority} ${request.localPort}`));
      expect(await (await t.client.get('http://shop.example:8080/')).text()).toBe('shop.example:8080 8080');
      await expect(t.client.get('/')).rejects.toMatchObject({ code: 'PORTICO_TEST_UNKNOWN_HOST' });
      expect(await (await t.start()).resolvedConnectors()).toHaveLength(1);
    });
  });

  it('has external services, for the test and for the application', async () => {
    const events: string[] = [];
    await runTestApplication(async (t) => {
      t.externalServices((services) =>
        services
          .hosts(['https://api.example', 'http://api.example:9000'], (api) => {
            api.monitor.subscribe(ApplicationStarted, () => {
              events.push('api started');
            });
            api.monitor.subscribe(ApplicationStopped, () => {
              events.push('api stopped');
            });
            routing(api, (r) => {
              r.post('/price/{item}', async (call) => ({
                item: call.parameters.item,
                asked: await call.receiveJson(),
                by: call.request.header('x-by'),
              }));
              r.get('/fail', () => {
                throw new Error('out of order');
              });
              r.get('/moved', (call) => call.respondRedirect('https://localhost/plain'));
            });
          })
          .hosts('http://other.example', (other) => {
            routing(other, (r) => r.get('/', () => 'other'));
          }),
      );
      t.monitor.subscribe(ApplicationStopped, () => {
        events.push('application stopped');
      });
      const { fetch } = t;
      t.routing((r) => {
        r.get('/plain', () => 'plain');
        r.get('/price', async () => {
          const response = await fetch('https://api.example/price/tea', {
            method: 'POST',
            headers: { 'Content-Type': 'application/json', 'X-By': 'shop' },
            body: JSON.stringify({ amount: 2 }),
          });
          return response.json();
        });
        r.get('/status', async () => String((await fetch('https://api.example/fail')).status));
        r.get('/moved', async () => {
          const response = await fetch(new URL('https://api.example/moved'));
          return `${response.url} ${response.redirected} ${await response.text()}`;
        });
      });
      expect(await (await t.client.get('/price')).json()).toEqual({
        item: 'tea',
        asked: { amount: 2 },
        by: 'shop',
      });
      expect(await (await t.client.get('/status')).text()).toBe('500');
      expect(await (await t.client.get('/moved')).text()).toBe('https://localhost/plain true plain');
      expect(await (await t.client.get('http://other.example')).text()).toBe('other');
      expect((await t.client.get('http://api.example:9000/nothing')).status).toBe(404);
    });
    expect(events).toEqual(['api started', 'application stopped', 'api stopped']);
  });

  it('has each host once', async () => {
    await runTestApplication((t) => {
      t.externalServices((services) => services.hosts('https://a.example', () => undefined));
      expect(() => t.externalServices((s) => s.hosts('https://A.example:443', () => undefined))).toThrow(
        expect.objectContaining({ code: 'PORTICO_TEST_TARGET' }),
      );
    });
  });
});

describe('TestApplication', () => {
  it('is shared by tests until it is stopped', async () => {
    const shop = new TestApplication((t) => t.application(greeting).environment(named));
    expect(() => shop.engine).toThrow(expect.objectContaining({ code: 'PORTICO_TEST_STATE' }));
    const engine = await shop.start();
    expect(await shop.start()).toBe(engine);
    expect(shop.engine).toBe(engine);
    expect(await (await shop.client.get('/')).text()).toBe('hello Ada');
    await shop.stop();
    await shop.stop();
    expect((await engine.client.get('/')).status).toBe(503);
    await expect(shop.start()).rejects.toMatchObject({ code: 'PORTICO_TEST_STATE' });
  });
});
