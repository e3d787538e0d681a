import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type Application,
  ApplicationStopPreparing,
  applicationEnvironment,
  type Log,
  ObjectConfig,
  routing,
  ServerReady,
} from 'portico';
import { TestClient } from 'portico/testing';
import { ServletApplicationEngine } from '#host/engine/servlet/servlet-application-engine.js';
import { SSE, sse } from '#host/plugins/sse.js';
import { WebSockets, webSocket } from '#host/plugins/web-sockets.js';

class Lines implements Log {
  readonly lines: string[] = [];
  trace = (): void => undefined;
  debug = (message: string): void => void this.lines.push(`debug ${message}`);
  info = (message: string): void => void this.lines.push(`info ${message}`);
  warn = (message: string): void => void this.lines.push(`warn ${message}`);
  error = (message: string): void => void this.lines.push(`error ${message}`);
}

describe('ServletApplicationEngine', () => {
  let engine: ServletApplicationEngine | undefined;
  afterEach(() => engine?.stop(0));

  function make(
    modules: readonly ((application: Application) => void | Promise<void>)[],
    more: { log?: Log; config?: object; prefix?: 'strip' | 'keep'; startTimeoutMs?: number } = {},
  ): ServletApplicationEngine {
    const { log = new Lines(), config = {}, ...settings } = more;
    const environment = applicationEnvironment({ log, config: new ObjectConfig(config) });
    engine = new ServletApplicationEngine({ environment, contextPath: '/shop', modules, ...settings });
    return engine;
  }

  const hello = (application: Application): void => {
    routing(application, (r) => {
      r.get('/', (call) => call.request.path);
      r.get('/hello', (call) => call.request.path);
    });
  };

  it('takes the context path as root path and routes without it', async () => {
    const made = make([hello]);
    await made.start();
    expect(made.application.rootPath).toBe('/shop');
    const client = new TestClient(made.handle);
    expect(await (await client.get('/hello')).text()).toBe('/shop/hello');
    expect(await (await client.get('/')).text()).toBe('/shop/');
  });

  it('matches the context path itself when the container keeps it', async () => {
    const made = make([hello], { prefix: 'keep' });
    await made.start();
    const client = new TestClient(made.handle);
    expect(await (await client.get('/shop/hello')).text()).toBe('/shop/hello');
    expect((await client.get('/hello')).status).toBe(404);
  });

  it('refuses exchanges before the start, so that they may be answered elsewhere', async () => {
    const response = await new TestClient(make([hello]).handle).get('/hello');
    expect([response.status, response.header('retry-after')]).toEqual([503, '1']);
  });

  it('says once which settings of the application are not in effect', async () => {
    const log = new Lines();
    await make([hello], { log, config: { portico: { deployment: { port: 8080, host: 'x' } } } }).start();
    expect(log.lines.filter((line) => line.includes('Not in effect'))).toEqual([
      'info Running inside the container; its connectors are used. ' +
        'Not in effect: portico.deployment.host, portico.deployment.port.',
    ]);
  });

  it('names every setting of its own and of its engine, whatever the section is called, in one line', async () => {
    const log = new Lines();
    const config = {
      ktor: {
        deployment: {
          port: 1,
          sslPort: 2,
          shutdown: { url: '/off' },
          maxHeaderSize: 9,
          watch: ['x'],
          environment: 'test',
        },
        security: { ssl: { keyStore: 'a' } },
      },
    };
    await make([hello], { log, config }).start();
    expect(log.lines.filter((line) => line.includes('Not in effect'))).toEqual([
      'info Running inside the container; its connectors are used. Not in effect: portico.deployment.port, ' +
        'portico.deployment.sslPort, portico.deployment.shutdown.url, portico.deployment.maxHeaderSize, ' +
        'portico.security.ssl.',
    ]);
  });

  it('prepares its stop once, and still answers what was on its way', async () => {
    const made = make([
      (application) => {
        application.install(SSE);
        application.install(WebSockets);
        routing(application, (r) => {
          r.get('/', () => 'hello');
          sse(r, '/events', (session) => session.send('late'));
          webSocket(r, '/socket', (session) => session.send('late'));
        });
      },
    ]);
    await made.prepareStop();
    await made.start();
    let count = 0;
    made.monitor.subscribe(ApplicationStopPreparing, () => void count++);
    await Promise.all([made.prepareStop(), made.prepareStop()]);
    expect(count).toBe(1);
    const client = new TestClient(made.handle);
    expect(await (await client.get('/')).text()).toBe('hello');
    const events = await client.get('/events');
    expect([events.status, await events.text()]).toEqual([200, 'retry: 1000\n\n']);
    const socket = await client.webSocket('/socket');
    expect((await socket.closed).code).toBe(1001);
    await expect(made.reload()).rejects.toMatchObject({ code: 'PORTICO_ENGINE_STATE' });
    await made.stop();
    expect(count).toBe(1);
    await made.prepareStop();
    expect(count).toBe(1);
  });

  it('fails the start when a module never ends, and says so', async () => {
    const made = make([() => new Promise<void>(() => undefined)], { startTimeoutMs: 20 });
    await expect(made.start()).rejects.toMatchObject({ code: 'PORTICO_START_TIMEOUT' });
  });

  it('cannot be started twice, nor after it was stopped', async () => {
    const made = make([]);
    await made.start();
    await expect(made.start()).rejects.toMatchObject({ code: 'PORTICO_ENGINE_STATE' });
    await made.stop();
    await expect(made.start()).rejects.toMatchObject({ code: 'PORTICO_ENGINE_STATE' });
  });

  it('waits for its stop when asked to, and has no connectors', async () => {
    const made = make([]);
    const ready = new Promise<void>((resolve) =>
      made.application.monitor.subscribe(ServerReady, () => resolve()),
    );
    const waiting = made.start({ wait: true });
    await ready;
    expect(await made.resolvedConnectors()).toEqual([]);
    await made.stop();
    await waiting;
  });

  it('logs our failures with the call, failures of clients only at debug', async () => {
    const log = new Lines();
    const made = make(
      [
        (app) =>
          void routing(app, (r) => {
            r.get('/ours', () => {
              throw new Error('broken');
            });
            r.get('/theirs', (call) => call.request.queryParameters.require('a'));
          }),
      ],
      { log },
    );
    await made.start();
    const client = new TestClient(made.handle);
    await client.get('/ours');
    await client.get('/theirs');
    expect(log.lines.slice(-2)).toEqual([
      'error 500: GET /ours: broken',
      'debug 400: GET /theirs: Request parameter a is missing.',
    ]);
  });
});
