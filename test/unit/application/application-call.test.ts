import { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type Application,
  ApplicationCallPipeline,
  ApplicationReceivePipeline,
  ApplicationSendPipeline,
  AttributeKey,
  applicationEnvironment,
  ObjectConfig,
  type Plugin,
  ReceiveType,
  routing,
  TextContent,
} from 'portico';
import { type TestApplicationEngine, testApplication } from 'portico/testing';

describe('ApplicationCall', () => {
  let engine: TestApplicationEngine;
  afterEach(() => engine.stop(0));
  const start = async (module: (application: Application) => void, settings = {}): Promise<void> => {
    engine = await testApplication(module, settings);
  };

  it('answers without routing, from any phase', async () => {
    await start((app) =>
      app.intercept(ApplicationCallPipeline.Plugins, ({ call }) => call.respondText('plugin')),
    );
    expect(await (await engine.client.get('/')).text()).toBe('plugin');
  });

  it('tells the client to go on when the body is wanted, and only then', async () => {
    await start((app) => {
      routing(app, (r) => {
        r.post('/wanted', (call) => call.receiveText());
        r.post('/unwanted', () => 'no, thank you');
      });
    });
    const expecting = { body: 'x', headers: { Expect: '100-continue' } };
    expect((await engine.client.post('/wanted', expecting)).interims).toEqual([100]);
    expect((await engine.client.post('/unwanted', expecting)).interims).toEqual([]);
  });

  it('gives credit only for what the application has read', async () => {
    let stream: Readable | undefined;
    await start((app) => {
      routing(app, (r) => {
        r.post('/', async (call) => {
          stream = await call.receiveStream();
          await new Promise<void>((resolve) => call.signal.addEventListener('abort', () => resolve()));
        });
      });
    });
    const exchange = engine.client.exchange('POST', '/', { body: Buffer.alloc(200_000) });
    exchange.dispatch((one) => engine.client.handler(one));
    while (stream === undefined || exchange.unconsumed < 64 * 1024)
      await new Promise((resolve) => setImmediate(resolve));
    expect(exchange.unconsumed).toBe(64 * 1024);
    exchange.fail(1);
  });

  it('shows only the developer what went wrong inside', async () => {
    const module = (app: Application): void =>
      void routing(app, (r) => {
        r.get('/', () => {
          throw new Error('secret');
        });
      });
    await start(module);
    expect(await (await engine.client.get('/')).text()).toBe('');
    await engine.stop(0);
    await start(module, { developmentMode: true });
    expect(await (await engine.client.get('/')).text()).toContain('secret');
  });

  it('lets send interceptors replace values and contents, in the order of the phases', async () => {
    await start((app) => {
      app.sendPipeline.intercept(ApplicationSendPipeline.Transform, (run, subject) => {
        if (subject === 1) run.subject = 'one';
      });
      app.sendPipeline.intercept(ApplicationSendPipeline.After, (run, subject) => {
        if (subject instanceof TextContent) run.subject = new TextContent(`${subject.text}!`);
      });
      routing(app, (r) => void r.get('/', () => 1));
    });
    expect(await (await engine.client.get('/')).text()).toBe('one!');
  });

  it('lets receive interceptors see the bytes, then the text', async () => {
    const seen: unknown[] = [];
    await start((app) => {
      app.receivePipeline.intercept(
        ApplicationReceivePipeline.After,
        (_, subject) => void seen.push(subject),
      );
      routing(app, (r) => void r.post('/', (call) => call.receiveText()));
    });
    await engine.client.post('/', { body: 'x' });
    expect(seen).toEqual(['x']);
  });

  it('answers 415 for a type that nothing can make', async () => {
    await start(
      (app) => void routing(app, (r) => void r.post('/', (call) => call.receive(new ReceiveType('x')))),
    );
    expect((await engine.client.post('/', { body: 'x' })).status).toBe(415);
  });

  it('reads cookies and repeated headers', async () => {
    await start((app) => {
      routing(
        app,
        (r) =>
          void r.get('/', ({ request }) => [
            request.cookies.get('a'),
            request.cookies.get('b'),
            request.headers.getAll('x-a'),
            request.header('X-A'),
            request.headers.has('x-b'),
          ]),
      );
    });
    const response = await engine.client.get('/', {
      headers: { Cookie: 'a=1; b="2"; a=3', 'X-A': ['1', '2'] },
    });
    expect(await response.json()).toEqual(['1', '2', ['1', '2'], '1', false]);
  });

  it('joins query and path parameters, query first', async () => {
    await start((app) => {
      routing(app, (r) => void r.get('/{id}', (call) => Object.fromEntries(call.allParameters)));
    });
    expect(await (await engine.client.get('/7?id=8&x')).json()).toEqual({ id: ['8', '7'], x: [] });
  });

  it('refuses statuses that are no final status', async () => {
    await start((app) => {
      routing(app, (r) => {
        r.get('/a', (call) => call.respondText('x', undefined, 99));
        r.get('/b', (call) => call.respondStatus(1000));
        r.get('/c', (call) => {
          call.response.status = 100;
        });
      });
    });
    for (const target of ['/a', '/b', '/c']) expect((await engine.client.get(target)).status).toBe(500);
  });

  it('does not read the source of a stream when there is no body to send', async () => {
    let isDestroyed = false;
    await start((app) => {
      routing(
        app,
        (r) =>
          void r.head('/', (call) => {
            const source = Readable.from(['x']);
            source.once('close', () => {
              isDestroyed = true;
            });
            return call.respondStream(source, { length: 1 });
          }),
      );
    });
    const response = await engine.client.request('HEAD', '/');
    expect([await response.text(), response.header('content-length')]).toEqual(['', '1']);
    while (!isDestroyed) await new Promise((resolve) => setImmediate(resolve));
  });

  it('drops an answer that comes after the client has gone, and stops its source', async () => {
    const log: string[] = [];
    const record = (message: string): void => void log.push(message);
    const source = Readable.from(['x']);
    const destroyed = new Promise((resolve) => source.once('close', resolve));
    let answered = (): void => undefined;
    const done = new Promise<void>((resolve) => {
      answered = resolve;
    });
    await start(
      (app) => {
        routing(app, (r) => {
          r.get('/text', async (call) => {
            await new Promise<void>((resolve) => call.signal.addEventListener('abort', () => resolve()));
            await call.respondText('too late');
            answered();
          });
          r.get('/stream', async (call) => {
            await new Promise<void>((resolve) => call.signal.addEventListener('abort', () => resolve()));
            await call.respondStream(source);
          });
        });
      },
      { log: { trace: record, debug: record, info: record, warn: record, error: record } },
    );
    for (const target of ['/text', '/stream']) {
      const exchange = engine.client.exchange('GET', target);
      exchange.dispatch(engine.client.handler);
      exchange.fail(1);
    }
    await Promise.all([done, destroyed]);
    expect(log.filter((line) => !line.startsWith('Application started'))).toEqual([]);
  });

  it('survives a client that goes while nobody listens to the stream of its body', async () => {
    let stream: Readable | undefined;
    await start((app) => {
      routing(app, (r) => {
        r.post('/', async (call) => {
          stream = await call.receiveStream();
          await new Promise<void>((resolve) => stream?.once('close', resolve).resume());
          return stream.readableEnded;
        });
      });
    });
    const exchange = engine.client.exchange('POST', '/', { body: Buffer.alloc(1), headers: {} });
    exchange.dispatch((one) => {
      engine.client.handler(one);
      exchange.fail(1);
    });
    while (stream?.destroyed !== true) await new Promise((resolve) => setImmediate(resolve));
    expect(stream.readableEnded).toBe(false);
  });

  it('closes plugins in reverse order when it stops, and refuses one installed twice', async () => {
    const closed: string[] = [];
    const plugin = (name: string): Plugin<Application, undefined, { close(): void }> => ({
      key: new AttributeKey(name),
      install: () => ({ close: () => void closed.push(name) }),
    });
    await start((app) => {
      app.install(plugin('first'));
      app.install(plugin('second'));
      expect(() => app.install(plugin('first'))).toThrow('already installed');
      expect(() => app.plugin(plugin('third'))).toThrow('not installed');
    });
    await engine.stop();
    expect(closed).toEqual(['second', 'first']);
  });
});

describe('ObjectConfig', () => {
  const config = new ObjectConfig({ a: { b: 1, list: ['x', 2], none: null }, 'c.d': 1 });

  it('finds values by their path, whole segments only', () => {
    expect(config.property('a.b').getString()).toBe('1');
    expect(config.property('a.list').getList()).toEqual(['x', '2']);
    expect(config.config('a').property('b').value).toBe(1);
    expect([
      config.propertyOrNull('a.none'),
      config.propertyOrNull('a.x.y'),
      config.propertyOrNull('c'),
    ]).toEqual([undefined, undefined, undefined]);
    expect(config.propertyOrNull('__proto__.x')).toBeUndefined();
  });

  it('names the whole path of what is missing or of another type', () => {
    expect(() => config.config('a').property('x')).toThrow('Property a.x not found.');
    expect(() => config.property('a').getString()).toThrow('a single value is needed');
    expect(() => config.property('a.b').getList()).toThrow('a list is needed');
  });

  it('brings root paths into one form', () => {
    expect(
      ['', '/', 'shop/', '/a//b'].map((rootPath) => applicationEnvironment({ rootPath }).rootPath),
    ).toEqual(['', '', '/shop', '/a/b']);
  });
});
