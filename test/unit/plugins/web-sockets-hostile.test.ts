import { afterEach, describe, expect, it } from '@jest/globals';
import { routing } from 'portico';
import { ForwardedHeaders } from 'portico/plugins/forwarded-headers';
import {
  type WebSocketHandler,
  WebSockets,
  type WebSocketsConfig,
  webSocket,
} from 'portico/plugins/web-sockets';
import { type TestApplicationEngine, TestStatusError, testApplication } from 'portico/testing';

let application: TestApplicationEngine | undefined;
afterEach(async () => {
  await application?.stop(1000);
  application = undefined;
});

async function start(
  handler: WebSocketHandler<unknown>,
  configure?: (config: WebSocketsConfig) => void,
): Promise<TestApplicationEngine> {
  application = await testApplication((app) => {
    app.install(ForwardedHeaders);
    app.install(WebSockets, configure);
    routing(app, (r) => {
      webSocket(r, '/chat', handler);
      webSocket(r, '/chat/{room}', handler);
    });
  });
  return application;
}

/** 101, or the status of the refusal. */
async function openedBy(
  { client }: TestApplicationEngine,
  headers: Record<string, string>,
  target = 'http://shop.example/chat',
): Promise<number> {
  try {
    const opened = await client.webSocket(target, { headers });
    await opened.closed;
    return 101;
  } catch (error) {
    if (error instanceof TestStatusError) return error.status;
    throw error;
  }
}

describe('the page that opens a WebSocket', () => {
  it('is of the same host, unless others are allowed', async () => {
    const engine = await start(
      () => undefined,
      (config) => {
        config.allowedOrigins = ['https://Partner.example:443', 'capacitor://localhost'];
      },
    );
    const origins: [string, number][] = [
      ['http://shop.example', 101],
      ['https://shop.example', 101],
      ['https://partner.example', 101],
      ['capacitor://localhost', 101],
      ['http://partner.example', 403],
      ['https://partner.example:444', 403],
      ['https://partner.example.evil.example', 403],
      ['https://shop.example.evil.example', 403],
      ['https://shop.example:8443', 403],
      ['https://evil.example', 403],
      ['null', 403],
      ['', 403],
    ];
    for (const [origin, status] of origins)
      expect([origin, await openedBy(engine, { Origin: origin })]).toEqual([origin, status]);
    // Who is no browser has no origin.
    expect(await openedBy(engine, {})).toBe(101);
    // The port belongs to the host.
    const target = 'http://shop.example:8080/chat';
    expect(await openedBy(engine, { Origin: 'http://shop.example:8080' }, target)).toBe(101);
    expect(await openedBy(engine, { Origin: 'http://shop.example' }, target)).toBe(403);
  });

  it('counts by the host that the client used, where a proxy tells it', async () => {
    const engine = await start(() => undefined);
    const forwarded = { Origin: 'https://shop.example', Forwarded: 'host=shop.example;proto=https' };
    expect(await openedBy(engine, forwarded, 'http://inner/chat')).toBe(101);
    expect(await openedBy(engine, { Origin: 'https://shop.example' }, 'http://inner/chat')).toBe(403);
  });

  it('may be any, when that is wanted, and nothing that is no origin', async () => {
    const engine = await start(
      () => undefined,
      (config) => {
        config.allowedOrigins = 'any';
      },
    );
    expect(await openedBy(engine, { Origin: 'null' })).toBe(101);
    for (const wrong of ['shop.example', 'https://*.shop.example', 'https://shop.example/path'])
      await expect(
        testApplication((app) => {
          app.install(WebSockets, (config) => {
            config.allowedOrigins = [wrong];
          });
        }),
      ).rejects.toMatchObject({ code: 'PORTICO_PLUGIN_OPTION' });
  });
});

describe('a plain GET of a WebSocket', () => {
  it('is 400, and 404 behind a parameter of the path', async () => {
    const { client } = await start(() => undefined);
    expect([(await client.get('/chat')).status, (await client.get('/chat/blue')).status]).toEqual([400, 404]);
  });
});

describe('a client of a WebSocket', () => {
  it('is not taken for gone while the handler is busy with its messages', async () => {
    let go = (): void => undefined;
    const busy = new Promise<void>((resolve) => {
      go = resolve;
    });
    const { client } = await start(
      async (session) => {
        await busy;
        for await (const message of session.incoming) await session.send(message.text);
      },
      (config) => {
        config.pingPeriodMs = 10;
        config.timeoutMs = 40;
        config.maxQueuedMessages = 2;
      },
    );
    const socket = await client.webSocket('/chat');
    // Not awaited: they have no room before the handler takes some.
    const sending = Promise.all(
      Array.from({ length: 200 }, (_, i) => socket.send(`${i} ${'x'.repeat(10_000)}`)),
    );
    // Longer than a pong may take.
    await new Promise((resolve) => setTimeout(resolve, 200));
    go();
    for (let i = 0; i < 200; i++) expect(String(await socket.receive()).split(' ')[0]).toBe(String(i));
    await sending;
    expect((await socket.close()).code).toBe(1000);
  });

  it('is not read any more when too many bytes wait for the handler', async () => {
    let waiting = (): number => 0;
    const { client } = await start(
      async (session) => {
        let taken = 0;
        waiting = () => taken;
        for await (const message of session.incoming) {
          taken += message.bytes.length;
          await new Promise<void>(() => undefined);
        }
      },
      (config) => {
        config.maxFrameBytes = 1_000_000;
        config.maxQueuedBytes = 1_000_000;
      },
    );
    const socket = await client.webSocket('/chat', { perMessageDeflate: false });
    let sent = 0;
    for (; sent < 60; sent++) {
      const isTaken = await Promise.race([
        socket.send(Buffer.alloc(900_000)).then(() => true),
        new Promise<false>((resolve) => setTimeout(() => resolve(false), 500)),
      ]);
      if (!isTaken) break;
    }
    // What waits besides the queue waits in streams.
    expect(sent).toBeLessThan(10);
    expect(waiting()).toBe(900_000);
    socket.cut();
  });

  it('cannot send little that becomes much', async () => {
    const got: number[] = [];
    const { client } = await start(
      async (session) => {
        for await (const message of session.incoming) got.push(message.bytes.length);
      },
      (config) => {
        config.perMessageDeflate = true;
        config.maxFrameBytes = 100_000;
      },
    );
    const socket = await client.webSocket('/chat');
    expect(socket.extensions).toContain('permessage-deflate');
    await socket.send('x'.repeat(100_000));
    await socket.send('x'.repeat(50_000_000));
    expect((await socket.closed).code).toBe(1009);
    expect(got).toEqual([100_000]);
  });
});
