import { afterEach, describe, expect, it } from '@jest/globals';
import { type Application, type Log, routing } from 'portico';
import { type TestApplicationEngine, TestStatusError, testApplication } from 'portico/testing';
import { type ServerSentEvents, SSE, type SSEConfig, sse } from '#host/plugins/sse.js';
import { until } from '#test/support/polling.js';
import { recordedLog } from '#test/support/recorded-log.js';

let application: TestApplicationEngine | undefined;
afterEach(async () => {
  await application?.stop();
  application = undefined;
});

async function start(
  module: (application: Application) => void,
  configure?: (config: SSEConfig) => void,
  log?: Log,
): Promise<TestApplicationEngine> {
  application = await testApplication(
    (made) => {
      made.install(SSE, configure);
      module(made);
    },
    log === undefined ? {} : { log },
  );
  return application;
}

describe('sse', () => {
  it('sends events with their fields, and ends with the handler', async () => {
    const { client } = await start((a) =>
      routing(a, (r) =>
        sse(r, '/rooms/{room}/events', async (session) => {
          await session.send({ event: 'hello', data: session.parameters.room, id: '1', retryMs: 500 });
          await session.send({ data: { a: [1] }, id: '2' });
          await session.send('two\nlines\r\nand a third');
          await session.comment('nothing');
          await session.send({ id: '3' });
          await session.send({ data: '' });
        }),
      ),
    );
    const events = await client.events('/rooms/blue/events');
    expect(Object.fromEntries(Object.entries(events.response.headers))).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    const got = [];
    for await (const event of events) got.push(event);
    expect(got).toEqual([
      { event: 'hello', data: 'blue', id: '1', retryMs: 500 },
      { event: 'message', data: '{"a":[1]}', id: '2', retryMs: undefined },
      { event: 'message', data: 'two\nlines\nand a third', id: '2', retryMs: undefined },
      { event: 'message', data: '', id: '3', retryMs: undefined },
    ]);
    expect(events.comments).toEqual(['nothing']);
  });

  it('writes exactly the bytes of the standard', async () => {
    const { client } = await start((a) =>
      routing(a, (r) =>
        sse(r, '/', (session) =>
          session.send({ comment: 'c', event: 'e', data: ' a\rb', id: 'i', retryMs: 7 }),
        ),
      ),
    );
    const response = await client.get('/');
    expect(await response.text()).toBe(': c\nevent: e\ndata:  a\ndata: b\nid: i\nretry: 7\n\n');
  });

  it('sends each event at once', async () => {
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const { client } = await start((a) =>
      routing(a, (r) =>
        sse(r, '/', async (session) => {
          await session.send('first');
          await gate;
          await session.send('second');
        }),
      ),
    );
    const events = await client.events('/');
    expect((await events.next())?.data).toBe('first');
    go();
    expect((await events.next())?.data).toBe('second');
    expect(await events.next()).toBeUndefined();
  });

  it('tells where a client that comes back has left', async () => {
    const { client } = await start((a) =>
      routing(a, (r) => sse(r, '/', (session) => session.send(session.lastEventId ?? 'new'))),
    );
    expect((await (await client.events('/')).next())?.data).toBe('new');
    expect((await (await client.events('/', { lastEventId: '41' })).next())?.data).toBe('41');
  });

  it('keeps the order of events that nobody awaits', async () => {
    const { client } = await start((a) =>
      routing(a, (r) =>
        sse(r, '/', (session) => {
          for (let i = 0; i < 100; i++) void session.send(String(i));
        }),
      ),
    );
    const got: string[] = [];
    for await (const { data } of await client.events('/')) got.push(data);
    expect(got).toEqual(Array.from({ length: 100 }, (_, i) => String(i)));
  });

  it('ends when the client leaves, also under a handler that does not look', async () => {
    let signal: AbortSignal | undefined;
    const engine = await start((a) =>
      routing(a, (r) =>
        sse(r, '/', async (session) => {
          signal = session.signal;
          await session.send('hi');
          await new Promise<void>(() => undefined);
        }),
      ),
    );
    const events = await engine.client.events('/');
    await events.next();
    events.close();
    await until(() => engine.running === 0 && signal?.aborted === true);
    expect(engine.application.plugin(SSE).all.size).toBe(0);
  });

  it('makes the handler wait for a client that does not read', async () => {
    let given = 0;
    const { client } = await start((a) =>
      routing(a, (r) =>
        sse(r, '/', async (session) => {
          for (; !session.signal.aborted; given++) await session.send('x'.repeat(16 * 1024));
        }),
      ),
    );
    const response = await client.get('/');
    let before = -1;
    while (before !== given) {
      before = given;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(given).toBeGreaterThan(0);
    expect(given).toBeLessThan(100);
    response.cancel();
  });

  it('cuts a client that does not read when nobody waits for it', async () => {
    let session: ServerSentEvents<unknown> | undefined;
    const engine = await start(
      (a) =>
        routing(a, (r) =>
          sse(r, '/', (opened) => {
            session = opened;
            return new Promise<void>(() => undefined);
          }),
        ),
      (config) => {
        config.maxBufferedBytes = 1_000_000;
      },
    );
    const response = await engine.client.get('/');
    for (let i = 0; i < 200 && session?.signal.aborted === false; i++)
      void session.send('x'.repeat(16 * 1024));
    expect(session?.signal.aborted).toBe(true);
    await until(() => engine.running === 0 && session?.bufferedBytes === 0);
    await expect(response.text()).rejects.toThrow();
  });

  it('reads the id of the last event as browsers write it, in UTF-8', async () => {
    const { client } = await start((a) =>
      routing(a, (r) => sse(r, '/', (session) => session.send(session.lastEventId ?? ''))),
    );
    const id = 'Wörter 7';
    const headers = { 'Last-Event-ID': Buffer.from(id).toString('latin1') };
    expect(await (await client.get('/', { headers })).text()).toBe(`data: ${id}\n\n`);
  });

  it('beats when nothing else is sent', async () => {
    const { client } = await start(
      (a) =>
        routing(a, (r) => {
          sse(r, '/beats', () => new Promise<void>(() => undefined));
          sse(r, '/own', { heartbeatMs: 5 }, () => new Promise<void>(() => undefined));
          sse(r, '/none', { heartbeatMs: 0 }, async (session) => {
            await new Promise((resolve) => setTimeout(resolve, 100));
            await session.send('end');
          });
        }),
      (config) => {
        config.heartbeatMs = 10;
        config.heartbeatText = 'still here';
      },
    );
    for (const path of ['/beats', '/own']) {
      const events = await client.events(path);
      await until(() => events.comments.length > 2);
      expect(events.comments[0]).toBe('still here');
      events.close();
    }
    const silent = await client.events('/none');
    await silent.next();
    expect(silent.comments).toEqual([]);
  });

  it('ends open streams when the application stops', async () => {
    const engine = await start((a) =>
      routing(a, (r) =>
        sse(r, '/', async (session) => {
          await session.send('hi');
          await new Promise<void>((resolve) => session.signal.addEventListener('abort', () => resolve()));
        }),
      ),
    );
    const events = await engine.client.events('/');
    await events.next();
    const stopping = engine.stop(20_000);
    expect(await events.next()).toBeUndefined();
    await stopping;
  });

  it('logs a failing handler and cuts the stream', async () => {
    const { log, errors } = recordedLog();
    const { client } = await start(
      (a) =>
        routing(a, (r) =>
          sse(r, '/', async (session) => {
            await session.send('hi');
            throw new Error('broken');
          }),
        ),
      undefined,
      log,
    );
    const events = await client.events('/');
    await events.next();
    await expect(events.next()).rejects.toMatchObject({ code: 'PORTICO_TRUNCATED' });
    expect(errors).toContain('The handler of the events / failed: broken');
  });

  it.each([
    [{ id: 'a\nb' }],
    [{ id: 'a\0b' }],
    [{ event: 'a\rb' }],
    [{ retryMs: 1.5 }],
    [{ retryMs: -1 }],
    [{ data: () => 1 }],
  ])('refuses the event %j', async (event) => {
    let code: unknown;
    const { client } = await start((a) =>
      routing(a, (r) =>
        sse(r, '/', async (session) => {
          try {
            await session.send(event);
          } catch (error) {
            ({ code } = error as { code: string });
          }
        }),
      ),
    );
    await (await client.get('/')).text();
    expect(code).toBe('PORTICO_SSE_EVENT');
  });

  it('answers what is installed on its route before it streams, and only GET', async () => {
    const { client } = await start((a) =>
      routing(a, (r) => {
        sse(r, '/events', (session) => session.send('x'));
        r.route('/any', (inner) => sse(inner, (session) => session.send(session.call.method)));
      }),
    );
    expect((await client.post('/events')).status).toBe(405);
    expect(await (await client.post('/any')).text()).toBe('data: POST\n\n');
    await expect(client.events('/nowhere')).rejects.toBeInstanceOf(TestStatusError);
  });

  it('needs the plugin, and options that mean something', async () => {
    const starting = testApplication((a) => {
      routing(a, (r) => sse(r, '/', () => undefined));
    });
    await expect(starting).rejects.toMatchObject({ code: 'PORTICO_MISSING_PLUGIN' });
    const wrong = start(
      () => undefined,
      (config) => {
        config.heartbeatMs = Number.NaN;
      },
    );
    await expect(wrong).rejects.toMatchObject({ code: 'PORTICO_PLUGIN_OPTION' });
  });
});
