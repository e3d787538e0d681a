import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type Application,
  ApplicationCallPipeline,
  HttpError,
  type Log,
  routing,
  UpgradeContent,
} from 'portico';
import { type TestApplicationEngine, TestStatusError, testApplication } from 'portico/testing';
import {
  type WebSocketSession,
  WebSockets,
  type WebSocketsConfig,
  webSocket,
} from '#host/plugins/web-sockets.js';
import { until } from '#test/support/polling.js';
import { recordedLog } from '#test/support/recorded-log.js';

let application: TestApplicationEngine | undefined;
afterEach(async () => {
  await application?.stop(1000);
  application = undefined;
});

async function start(
  module: (application: Application) => void,
  configure?: (config: WebSocketsConfig) => void,
  log?: Log,
): Promise<TestApplicationEngine> {
  application = await testApplication(
    (made) => {
      made.install(WebSockets, configure);
      module(made);
    },
    log === undefined ? {} : { log },
  );
  return application;
}

async function statusOf(opening: Promise<unknown>): Promise<number> {
  const error = await opening.then(
    () => undefined,
    (failure: unknown) => failure,
  );
  if (!(error instanceof TestStatusError)) throw error;
  return error.status;
}

describe('webSocket', () => {
  it('carries text, binary and JSON both ways, with the parameters of the path', async () => {
    const { client } = await start((a) =>
      routing(a, (r) =>
        webSocket(r, '/chat/{room}', async (session) => {
          for await (const message of session.incoming) {
            if (message.kind === 'binary') await session.send(message.bytes);
            else if (message.text.startsWith('{')) await session.sendJson({ got: message.json() });
            else await session.send(`${session.parameters.room}: ${message.text}`);
          }
        }),
      ),
    );
    const socket = await client.webSocket('/chat/blue');
    expect([socket.response.status, socket.response.header('upgrade')]).toEqual([101, 'websocket']);
    await socket.send('grüße');
    expect(await socket.receive()).toBe('blue: grüße');
    await socket.send(Buffer.from([0, 255]));
    expect(await socket.receive()).toEqual(Buffer.from([0, 255]));
    await socket.sendJson({ a: [1] });
    expect(await socket.receiveJson()).toEqual({ got: { a: [1] } });
    const large = Buffer.alloc(900_000, 'x');
    await socket.send(large);
    expect(large.equals((await socket.receive()) as Buffer)).toBe(true);
    expect(await socket.close(1000, 'bye')).toEqual({ code: 1000, reason: 'bye' });
  });

  it('needs the plugin', async () => {
    const starting = testApplication((a) => {
      routing(a, (r) => webSocket(r, '/chat', () => undefined));
    });
    await expect(starting).rejects.toMatchObject({ code: 'PORTICO_MISSING_PLUGIN' });
  });

  it('closes with 1000 when the handler returns', async () => {
    const { client } = await start((a) => routing(a, (r) => webSocket(r, '/', (s) => s.send('only this'))));
    const socket = await client.webSocket('/');
    expect(await socket.receive()).toBe('only this');
    expect(await socket.closed).toEqual({ code: 1000, reason: '' });
  });

  it('logs a failing handler and closes with 1011', async () => {
    const { log, errors } = recordedLog();
    const { client } = await start(
      (a) =>
        routing(a, (r) =>
          webSocket(r, '/', () => {
            throw new Error('broken');
          }),
        ),
      undefined,
      log,
    );
    const socket = await client.webSocket('/');
    expect(await socket.closed).toEqual({ code: 1011, reason: 'The handler failed.' });
    expect(errors).toEqual(['The handler of the WebSocket / failed: broken']);
  });

  it('closes with the code that the handler chooses, and refuses codes that mean nothing', async () => {
    let refused: unknown;
    const { client } = await start((a) =>
      routing(a, (r) =>
        webSocket(r, '/', async (session) => {
          try {
            await session.close(1005);
          } catch (error) {
            refused = error;
          }
          await session.close(4000, 'enough');
        }),
      ),
    );
    const socket = await client.webSocket('/');
    expect(await socket.closed).toEqual({ code: 4000, reason: 'enough' });
    expect(refused).toMatchObject({ code: 'PORTICO_WEB_SOCKET_CODE' });
  });

  it('tells the handler how the client closed, and rejects what is sent afterwards', async () => {
    let finish: (seen: unknown) => void = () => undefined;
    const seen = new Promise((resolve) => {
      finish = resolve;
    });
    const { client } = await start((a) =>
      routing(a, (r) =>
        webSocket(r, '/', async (session) => {
          for await (const _ of session.incoming);
          const late = await session.send('late').catch((error: { code: string }) => error.code);
          finish([session.signal.aborted, late, await session.closed]);
        }),
      ),
    );
    const socket = await client.webSocket('/');
    await socket.close(3001, 'tired');
    expect(await seen).toEqual([true, 'PORTICO_WEB_SOCKET_CLOSED', { code: 3001, reason: 'tired' }]);
  });

  it('sees a client that vanishes', async () => {
    let finish: (seen: unknown) => void = () => undefined;
    const seen = new Promise((resolve) => {
      finish = resolve;
    });
    const { client } = await start((a) =>
      routing(a, (r) => webSocket(r, '/', async (session) => finish(await session.closed))),
    );
    (await client.webSocket('/')).cut();
    expect(await seen).toEqual({ code: 1006, reason: '' });
  });

  it.each([
    ['GET', {}, 400],
    ['GET', { Connection: 'Upgrade', Upgrade: 'other' }, 400],
    ['GET', { Upgrade: 'websocket' }, 400],
    ['POST', { Connection: 'Upgrade', Upgrade: 'websocket' }, 405],
    ['GET', { Connection: 'Upgrade', Upgrade: 'websocket' }, 426],
    ['GET', { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': '13' }, 400],
    [
      'GET',
      {
        Connection: 'keep-alive, Upgrade',
        Upgrade: 'WebSocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': 'too short',
      },
      400,
    ],
  ])('answers %s with %j by %i', async (method, headers, status) => {
    const { client } = await start((a) => routing(a, (r) => webSocket(r, '/chat', () => undefined)));
    const response = await client.request(method, '/chat', { headers: headers as Record<string, string> });
    expect(response.status).toBe(status);
    if (status === 426) expect(response.header('Sec-WebSocket-Version')).toBe('13');
  });

  it('leaves a plain GET of the same path to its own route', async () => {
    const { client } = await start((a) =>
      routing(a, (r) => {
        r.get('/chat', () => 'the page');
        webSocket(r, '/chat', (session) => session.send('the socket'));
      }),
    );
    expect(await (await client.get('/chat')).text()).toBe('the page');
    expect(await (await client.webSocket('/chat')).receive()).toBe('the socket');
  });

  it('runs what refuses calls before the 101', async () => {
    let opened = 0;
    const { client } = await start((a) =>
      routing(a, (r) => {
        r.route('/private', (inner) => {
          inner.intercept(ApplicationCallPipeline.Validators, ({ context: call }) => {
            if (call.request.header('authorization') !== 'let me in')
              throw new HttpError(401, 'TEST_UNAUTHORIZED', 'who are you?');
          });
          webSocket(inner, '/chat', () => {
            opened++;
          });
        });
      }),
    );
    expect(await statusOf(client.webSocket('/private/chat'))).toBe(401);
    expect(opened).toBe(0);
    const socket = await client.webSocket('/private/chat', { headers: { Authorization: 'let me in' } });
    await socket.closed;
    expect(opened).toBe(1);
  });

  it('agrees on a sub-protocol', async () => {
    const { client } = await start((a) =>
      routing(a, (r) => {
        webSocket(r, '/v', { protocol: 'v1' }, (s) => s.send(`one ${s.protocol}`));
        webSocket(r, '/v', { protocol: 'v2' }, (s) => s.send(`two ${s.protocol}`));
        webSocket(
          r,
          '/choice',
          { selectProtocol: (offered) => offered.find((one) => one.startsWith('json')) },
          (s) => s.send(s.protocol),
        );
        webSocket(r, '/none', (s) => s.send(`none ${s.protocol}`));
      }),
    );
    const second = await client.webSocket('/v', { protocols: ['v0', 'v2'] });
    expect([second.protocol, await second.receive()]).toEqual(['v2', 'two v2']);
    expect(await statusOf(client.webSocket('/v'))).toBe(400);
    expect(await statusOf(client.webSocket('/v', { protocols: ['v3'] }))).toBe(400);
    const choice = await client.webSocket('/choice', { protocols: ['xml', 'json.2'] });
    expect(await choice.receive()).toBe('json.2');
    expect(await (await client.webSocket('/none')).receive()).toBe('none ');
  });

  it('closes with 1009 when a message is too large', async () => {
    const { client } = await start(
      (a) =>
        routing(a, (r) =>
          webSocket(r, '/', async (s) => {
            for await (const { text } of s.incoming) await s.send(text);
          }),
        ),
      (config) => {
        config.maxFrameBytes = 10;
      },
    );
    const socket = await client.webSocket('/');
    await socket.send('0123456789');
    expect(await socket.receive()).toBe('0123456789');
    await socket.send('0123456789x');
    expect((await socket.closed).code).toBe(1009);
  });

  it('closes with 1007 when a text is no UTF-8', async () => {
    const { client } = await start((a) =>
      routing(a, (r) => webSocket(r, '/', async (s) => void (await s.closed))),
    );
    const socket = await client.webSocket('/');
    socket.sendRaw(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xff, 0xff]));
    expect((await socket.closed).code).toBe(1007);
  });

  it.each([
    ['an unmasked frame', [0x81, 0x01, 0x61], 1002],
    ['a reserved opcode', [0x83, 0x80, 0, 0, 0, 0], 1002],
    ['a reserved bit', [0xc1, 0x80, 0, 0, 0, 0], 1002],
    ['a ping in fragments', [0x09, 0x80, 0, 0, 0, 0], 1002],
    ['a continuation of nothing', [0x80, 0x80, 0, 0, 0, 0], 1002],
    ['a close code that is not sent', [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xed], 1002],
    ['a length beyond all limits', [0x82, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0], 1009],
  ])('closes when a client sends %s', async (_what, bytes, code) => {
    const engine = await start((a) =>
      routing(a, (r) => webSocket(r, '/', async (s) => void (await s.closed))),
    );
    const socket = await engine.client.webSocket('/', { perMessageDeflate: false });
    socket.sendRaw(Buffer.from(bytes));
    expect((await socket.closed).code).toBe(code);
    await until(() => engine.running === 0);
  });

  it('does not wait at a stop for a client that answers nothing', async () => {
    const engine = await start(
      (a) => routing(a, (r) => webSocket(r, '/', async (s) => void (await s.closed))),
      (config) => {
        config.closeTimeoutMs = 50;
      },
    );
    const socket = await engine.client.webSocket('/');
    socket.pause();
    await engine.stop(20_000);
    expect(engine.running).toBe(0);
    socket.cut();
  });

  it('pings, and closes with 1011 when no pong comes', async () => {
    const { client } = await start(
      (a) => routing(a, (r) => webSocket(r, '/', async (s) => void (await s.closed))),
      (config) => {
        config.pingPeriodMs = 10;
        config.timeoutMs = 200;
      },
    );
    const alive = await client.webSocket('/');
    for (let i = 0; i < 3; i++) await alive.pinged();
    await alive.close();
    const mute = await client.webSocket('/', { autoPong: false });
    expect(await mute.closed).toEqual({ code: 1011, reason: 'Ping timeout' });
  });

  it('compresses when asked to', async () => {
    const { client } = await start(
      (a) =>
        routing(a, (r) =>
          webSocket(r, '/', async (s) => {
            for await (const { text } of s.incoming) await s.send(text);
          }),
        ),
      (config) => {
        config.perMessageDeflate = { thresholdBytes: 0 };
      },
    );
    const socket = await client.webSocket('/');
    expect(socket.extensions).toContain('permessage-deflate');
    await socket.send('a'.repeat(10_000));
    expect(await socket.receive()).toBe('a'.repeat(10_000));
    const plain = await client.webSocket('/', { perMessageDeflate: false });
    expect(plain.extensions).toBe('');
  });

  it('stops reading a client that sends faster than the handler takes', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let taken = 0;
    const { client } = await start(
      (a) =>
        routing(a, (r) =>
          webSocket(r, '/', async (session) => {
            await gate;
            for await (const _ of session.incoming) taken++;
          }),
        ),
      (config) => {
        config.maxQueuedMessages = 4;
      },
    );
    const socket = await client.webSocket('/', { perMessageDeflate: false });
    const piece = Buffer.alloc(16 * 1024);
    let sent = 0;
    const sending = Promise.all(Array.from({ length: 100 }, () => socket.send(piece).then(() => sent++)));
    let before = -1;
    while (before !== sent) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(sent).toBeLessThan(100);
    release();
    await sending;
    await socket.close();
    expect(taken).toBe(100);
  });

  it('makes a handler wait for a client that does not read', async () => {
    let given = 0;
    const { client } = await start((a) =>
      routing(a, (r) =>
        webSocket(r, '/', async (session) => {
          const piece = Buffer.alloc(16 * 1024);
          for (let i = 0; i < 100; i++) {
            await session.send(piece);
            given++;
          }
        }),
      ),
    );
    const socket = await client.webSocket('/', { perMessageDeflate: false });
    socket.pause();
    let before = -1;
    while (before !== given) {
      before = given;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(given).toBeLessThan(100);
    socket.resume();
    let received = 0;
    for await (const _ of socket) received++;
    expect(received).toBe(100);
  });

  it('cuts a client that does not read when nobody waits for it', async () => {
    const { client } = await start(
      (a) =>
        routing(a, (r) =>
          webSocket(r, '/', async (session) => {
            while (session.isOpen) {
              void session.send(Buffer.alloc(64 * 1024));
              await new Promise((resolve) => setImmediate(resolve));
            }
          }),
        ),
      (config) => {
        config.maxBufferedBytes = 1024 * 1024;
      },
    );
    const socket = await client.webSocket('/', { perMessageDeflate: false });
    socket.pause();
    const { all } = (application as TestApplicationEngine).application.plugin(WebSockets);
    await until(() => all.size === 0);
    socket.resume();
    expect((await socket.closed).code).toBe(1006);
  });

  it('closes open sessions with 1001 when the application stops', async () => {
    const engine = await start((a) =>
      routing(a, (r) =>
        webSocket(r, '/', async (session) => {
          for await (const _ of session.incoming);
        }),
      ),
    );
    const sockets = [await engine.client.webSocket('/'), await engine.client.webSocket('/')];
    expect(engine.application.plugin(WebSockets).all.size).toBe(2);
    const [stopped, ...closes] = await Promise.all([engine.stop(), ...sockets.map(({ closed }) => closed)]);
    expect(stopped).toBeUndefined();
    expect(closes.map(({ code }) => code)).toEqual([1001, 1001]);
  });

  it('does not let a handler that never ends hold up its call', async () => {
    const engine = await start((a) =>
      routing(a, (r) => webSocket(r, '/', () => new Promise<void>(() => undefined))),
    );
    const socket = await engine.client.webSocket('/');
    await socket.close();
    await until(() => engine.running === 0);
  });

  it('keeps what others add to the answer', async () => {
    const { client } = await start((a) => {
      a.intercept(ApplicationCallPipeline.Plugins, ({ context: call }) =>
        call.response.header('X-Request-Id', '7'),
      );
      routing(a, (r) => webSocket(r, '/', (session) => session.send('x')));
    });
    expect((await client.webSocket('/')).response.header('x-request-id')).toBe('7');
  });

  it('refuses options that mean nothing', async () => {
    const starting = start(
      () => undefined,
      (config) => {
        config.timeoutMs = -1;
      },
    );
    await expect(starting).rejects.toMatchObject({ code: 'PORTICO_PLUGIN_OPTION' });
  });

  it('types the parameters of the path', async () => {
    await start((a) =>
      routing(a, (r) =>
        webSocket(r, '/a/{id}/{rest...}', (session) => {
          const typed: WebSocketSession<{ readonly id: string; readonly rest: readonly string[] }> = session;
          expect(typed.parameters.id).toBe('1');
        }),
      ),
    );
    const socket = await (application as TestApplicationEngine).client.webSocket('/a/1/b/c');
    expect((await socket.closed).code).toBe(1000);
  });
});

describe('an upgrade to any protocol', () => {
  it('gives the raw connection to the content, and lasts until it is closed', async () => {
    const engine = await start((a) =>
      routing(a, (r) =>
        r.get('/upper', (call) =>
          call.respond(
            new UpgradeContent('upper', (tunnel) => {
              tunnel.on('data', (chunk: Buffer) => tunnel.write(chunk.toString().toUpperCase()));
              tunnel.on('end', () => tunnel.end('.'));
            }),
          ),
        ),
      ),
    );
    async function* body() {
      yield Buffer.from('shout');
    }
    const headers = { Connection: 'Upgrade', Upgrade: 'upper' };
    const response = await engine.client.get('/upper', { headers, body: body() });
    expect([response.status, response.header('connection'), response.header('upgrade')]).toEqual([
      101,
      'Upgrade',
      'upper',
    ]);
    expect(await response.text()).toBe('SHOUT.');
    await until(() => engine.running === 0);
  });

  it('is 400 for a request that asks for none', async () => {
    const { client } = await start((a) =>
      routing(a, (r) => r.get('/', (call) => call.respond(new UpgradeContent('upper', () => undefined)))),
    );
    const response = await client.get('/');
    expect([response.status, response.header('upgrade')]).toEqual([400, undefined]);
  });

  it('cuts the connection when the content fails', async () => {
    const { client } = await start((a) =>
      routing(a, (r) =>
        r.get('/', (call) =>
          call.respond(
            new UpgradeContent('upper', () => {
              throw new Error('no');
            }),
          ),
        ),
      ),
    );
    const response = await client.get('/', { headers: { Connection: 'upgrade', Upgrade: 'upper' } });
    await expect(response.text()).rejects.toMatchObject({ code: 'PORTICO_TRUNCATED' });
  });
});
