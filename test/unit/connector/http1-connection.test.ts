import { afterEach, describe, expect, it } from '@jest/globals';
import { AbortReason, type Exchange, type ExchangeHandler } from '#host/exchange/exchange.js';
import type { TestServer } from '#test/support/connector-server.js';
import { echo } from '#test/support/echo.js';
import { GET, http1Pair, later, listener, post } from '#test/support/http1-pair.js';
import { settle, undisturbed, until } from '#test/support/polling.js';
import { headerOf, RawClient } from '#test/support/raw-client.js';

let server: TestServer;
let client: RawClient;

async function stop(): Promise<void> {
  client.destroy();
  await server.stop();
}

afterEach(stop);

async function start(...given: Parameters<typeof http1Pair>): Promise<void> {
  ({ server, client } = await http1Pair(...given));
}

describe('a connection', () => {
  it('answers 1,000 pipelined requests in order, at once or later', async () => {
    for (const handler of [echo, later, ((e) => e.respond(200, [], e.head.path)) as ExchangeHandler]) {
      await start(handler);
      let text = '';
      for (let i = 0; i < 1_000; i++) text += `GET /${i} HTTP/1.1\r\nHost: a\r\n\r\n`;
      client.send(text);
      const missing: number[] = [];
      for (let i = 0; i < 1_000; i++) {
        if ((await client.response())?.body.toString().includes(`/${i}`) !== true) missing.push(i);
      }
      expect(missing).toEqual([]);
      client.destroy();
      await server.stop();
    }
    await start(echo);
  });

  it('dispatches the next request only when the one before has ended', async () => {
    const seen: Exchange[] = [];
    await start((exchange) => seen.push(exchange));
    client.send(GET + GET);
    await until(() => seen.length === 1);
    await settle(30);
    expect(seen).toHaveLength(1);
    seen[0]?.respond(200, [], 'one');
    await until(() => seen.length === 2);
    seen[1]?.respond(200, [], 'two');
    expect((await client.response())?.body.toString()).toBe('one');
    expect((await client.response())?.body.toString()).toBe('two');
  });

  it('leaves further requests in the kernel while one is answered', async () => {
    let exchange: Exchange | undefined;
    await start((each) => {
      exchange ??= each;
      if (exchange !== each) each.respond(200, [], '');
    });
    client.send(GET);
    await until(() => exchange !== undefined);
    const sent = Buffer.from(GET.repeat(500_000), 'latin1');
    client.send(sent);
    await settle(100);
    expect(client.socket.writableLength).toBeGreaterThan(0);
  });

  it('carries Connection: close on the last of the allowed requests', async () => {
    await start(echo, { maxRequestsPerConnection: 2 });
    client.send(GET + GET + GET);
    expect(headerOf(await client.response(), 'connection')).toBeUndefined();
    expect(headerOf(await client.response(), 'connection')).toBe('close');
    expect(await client.response()).toBeUndefined();
    expect(server.closings).toEqual(['max-requests']);
  });

  it('tells what had come of a request that it refuses, and nothing of a body that it refuses', async () => {
    await start(echo);
    client.send('GET /x HTTP/1.1\r\nHost: a\r\nX: \u0001\r\n\r\n');
    const answer = await client.response();
    expect(answer?.status).toBe(400);
    expect(server.refusedRequests).toEqual([
      ['GET /x HTTP/1.1\r\nHost: a\r\nX: \u0001\r\n\r\n', answer?.body.length],
    ]);
    client.destroy();
    client = await RawClient.open(server.port);
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nno\r\n');
    expect((await client.response())?.status).toBe(400);
    expect(server.refusals.map(([reason]) => reason)).toEqual(['bad-header', 'bad-body']);
    expect(server.refusedRequests).toHaveLength(1);
  });

  it('answers a client that has closed its direction', async () => {
    await start((exchange) => setTimeout(() => exchange.respond(200, [], 'late'), 50));
    client.send(GET);
    client.socket.end();
    expect((await client.response())?.body.toString()).toBe('late');
    await client.closing();
  });

  it('tells the handler when the client is gone', async () => {
    const reasons: AbortReason[] = [];
    let isAsked = false;
    await start((exchange) => {
      isAsked = true;
      exchange.listen(listener({ aborted: (reason) => reasons.push(reason) }));
    });
    client.send(GET);
    await until(() => isAsked);
    client.socket.resetAndDestroy();
    await until(() => reasons.length === 1);
    expect(reasons).toEqual([AbortReason.CANCELLED]);
    await until(() => server.results.length === 1);
    expect(server.results[0]).toMatchObject({ status: 0, aborted: true });
  });

  it('tells the handler when the client closes within the body', async () => {
    const reasons: AbortReason[] = [];
    await start((exchange) => exchange.listen(listener({ aborted: (reason) => reasons.push(reason) })));
    client.send(`${post(10)}abc`);
    client.socket.end();
    expect((await client.response())?.status).toBe(400);
    await until(() => reasons.length === 1);
    expect(reasons).toEqual([AbortReason.BAD_BODY]);
  });

  it('forgets its connections', async () => {
    await start(echo);
    const clients = await Promise.all(Array.from({ length: 50 }, () => RawClient.open(server.port)));
    for (const [index, each] of clients.entries()) each.send(index % 2 === 0 ? GET : 'GET / HT');
    for (const [index, each] of clients.entries()) if (index % 2 === 0) await each.response();
    for (const [index, each] of clients.entries()) {
      if (index % 3 === 0) each.socket.resetAndDestroy();
      else each.destroy();
    }
    client.destroy();
    await until(() => server.connector.openConnections === 0);
    expect(server.opened).toBe(51);
    expect(server.closed).toBe(51);
  });

  it('survives a handler that answers after the client has gone', async () => {
    let exchange: Exchange | undefined;
    await start((each) => {
      exchange = each;
    });
    client.send(GET);
    await until(() => exchange !== undefined);
    client.socket.resetAndDestroy();
    await until(() => server.closed === 1);
    exchange?.respond(200, [], 'too late');
    exchange?.abort(AbortReason.TIMEOUT);
    expect(exchange?.isEnded).toBe(true);
    expect(server.results).toHaveLength(1);
  });
});

describe('a request body', () => {
  it('comes at most one window ahead of what was consumed', async () => {
    let exchange: Exchange | undefined;
    let received = 0;
    let ended = false;
    await start((each) => {
      exchange = each;
      each.listen(
        listener({
          data: (chunk) => {
            received += chunk.length;
          },
          end: () => {
            ended = true;
          },
        }),
      );
    });
    const size = 1024 * 1024;
    client.send(post(size));
    client.send(Buffer.alloc(size, 'x'));
    await until(() => received === 256 * 1024);
    await settle(30);
    expect(received).toBe(256 * 1024);
    exchange?.consumed(100);
    await until(() => received === 256 * 1024 + 100);
    while (!ended) {
      exchange?.consumed(64 * 1024);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(received).toBe(size);
    exchange?.respond(200, [], 'done');
    expect((await client.response())?.status).toBe(200);
    expect(server.results[0]).toMatchObject({ bytesIn: size });
  });

  it('does not spill into the next request when nobody reads it', async () => {
    for (const handler of [later, ((e) => e.respond(413, [], '')) as ExchangeHandler]) {
      await start(handler);
      const body = `${GET.repeat(10)}!`;
      client.send(post(body.length) + body + GET);
      await client.response();
      expect((await client.response())?.isComplete).toBe(true);
      client.destroy();
      await until(() => server.results.length === 2);
      await server.stop();
    }
    await start(echo);
  });

  it('of 3 MiB that nobody wants closes the connection', async () => {
    await start((exchange) => exchange.respond(200, [], 'early'));
    client.send(post(3 * 1024 * 1024));
    const response = await client.response();
    expect(response?.body.toString()).toBe('early');
    expect(headerOf(response, 'connection')).toBe('close');
    await client.closing();
  });

  it('without end that nobody wants is cut behind 2 MiB', async () => {
    await start((exchange) => exchange.respond(200, [], 'early'));
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    expect((await client.response())?.body.toString()).toBe('early');
    const chunk = Buffer.from(`10000\r\n${'x'.repeat(65_536)}\r\n`);
    for (let i = 0; i < 200 && !client.isClosed; i++) {
      client.send(chunk);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await client.closing();
    expect(server.refusals).toEqual([['unread-body', 0]]);
  });

  it('that grows too large is answered with 413 and closed', async () => {
    await start((exchange) =>
      exchange.listen(listener({ data: () => exchange.abort(AbortReason.BODY_TOO_LARGE) })),
    );
    client.send(`${post(1_000_000)}${'x'.repeat(1000)}`);
    const response = await client.response();
    expect([response?.status, headerOf(response, 'connection')]).toEqual([413, 'close']);
    await client.closing();
  });

  it('is not asked for by 100 when the final answer comes first', async () => {
    await start((exchange) => exchange.respond(503, [], ''));
    client.send(post(5, 'Expect: 100-continue\r\n'));
    const response = await client.response();
    expect([response?.status, headerOf(response, 'connection')]).toEqual([503, 'close']);
    await client.closing();
  });

  it('may still come while the response is being sent', async () => {
    await start((exchange) => {
      exchange.begin(200, []);
      exchange.listen(
        listener({
          data: (chunk) => {
            exchange.write(chunk);
            exchange.consumed(chunk.length);
          },
          end: () => exchange.end(),
        }),
      );
    });
    client.send(`${post(10)}hello`);
    await client.bytes(20);
    client.send('world');
    await until(() => server.results.length === 1);
    expect(server.results[0]).toMatchObject({ bytesIn: 10, bytesOut: 10, aborted: false });
  });

  it('that breaks while the response is being sent cuts the response', async () => {
    const reasons: AbortReason[] = [];
    await start((exchange) => {
      exchange.begin(200, []);
      exchange.write(Buffer.from('x'));
      exchange.listen(listener({ aborted: (reason) => reasons.push(reason) }));
    });
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n');
    expect((await client.response())?.isComplete).toBe(false);
    expect(reasons).toEqual([AbortReason.BAD_BODY]);
    expect(server.refusals).toEqual([['bad-body', 400]]);
  });
});

describe('a client that does not read', () => {
  it('stops the writer, and lets it go on when it reads', async () => {
    let written = 0;
    const total = 32 * 1024 * 1024;
    await start((exchange) => {
      exchange.begin(200, ['Content-Length', String(total)]);
      const pump = (): void => {
        while (written < total) {
          written += 65_536;
          if (!exchange.write(Buffer.alloc(65_536))) return;
        }
        exchange.end();
      };
      exchange.listen(listener({ drain: () => pump() }));
      pump();
    });
    client.socket.pause();
    client.send(GET);
    await until(() => written > 0);
    let before = -1;
    while (before !== written) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(written).toBeLessThan(total);
    let received = 0;
    client.socket.removeAllListeners('data');
    client.socket.on('data', (chunk: Buffer) => {
      received += chunk.length;
    });
    client.socket.resume();
    await until(() => received >= total);
    expect(written).toBe(total);
  });

  it('of its pipelined answers gets no more of them made', async () => {
    let made = 0;
    const body = Buffer.alloc(1024 * 1024, 'x');
    await start((exchange) => {
      made++;
      exchange.respond(200, [], body);
    });
    client.socket.pause();
    client.send(GET.repeat(500));
    let before = -1;
    while (before !== made || made === 0) {
      before = made;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(made).toBeLessThan(50);
    client.socket.resume();
    for (let i = 0; i < 20; i++) expect((await client.response())?.body.length).toBe(body.length);
  });

  it('is cut', async () => {
    const reasons: AbortReason[] = [];
    await start(
      (exchange) => {
        const pump = (): void => {
          while (exchange.write(Buffer.alloc(65_536)));
        };
        exchange.listen(listener({ drain: pump, aborted: (reason) => reasons.push(reason) }));
        exchange.begin(200, []);
        pump();
      },
      { bodyIdleTimeoutMs: 200 },
    );
    client.socket.pause();
    client.send(GET);
    await until(() => reasons.length === 1);
    expect(server.refusals).toEqual([['write-timeout', 0]]);
  });

  it('but slower than it has to is cut', async () => {
    const body = Buffer.alloc(64 * 1024 * 1024, 'x');
    await start((exchange) => exchange.respond(200, [], body), {
      // Long enough for a machine on which this process does not get its turn for a while.
      bodyIdleTimeoutMs: 2000,
      minReadBytesPerSecond: 1024 ** 3,
    });
    client.socket.removeAllListeners('data');
    client.socket.on('data', () => {
      client.socket.pause();
      setTimeout(() => client.socket.resume(), 8);
    });
    client.send(GET);
    await until(() => server.closed === 1);
    expect(server.refusals).toEqual([['slow-reader', 0]]);
  });

  it('may take its time while the answer is not there', async () => {
    let exchange: Exchange | undefined;
    await start(
      (each) => {
        exchange = each;
        each.begin(200, []);
        each.write(Buffer.from('data: 1\n\n'));
      },
      { bodyIdleTimeoutMs: 100, minReadBytesPerSecond: 1024 ** 3 },
    );
    client.send(GET);
    await until(() => exchange !== undefined);
    await new Promise((resolve) => setTimeout(resolve, 500));
    exchange?.end();
    expect((await client.response())?.isComplete).toBe(true);
    expect(server.refusals).toEqual([]);
  });

  it(
    'but slowly is served',
    undisturbed(async () => {
      const body = Buffer.alloc(12 * 1024 * 1024, 'x');
      const began = performance.now();
      await start((exchange) => exchange.respond(200, ['Connection', 'close'], body), {
        bodyIdleTimeoutMs: 1_000,
      });
      let received = 0;
      client.socket.removeAllListeners('data');
      client.socket.on('data', (chunk: Buffer) => {
        received += chunk.length;
        client.socket.pause();
        setTimeout(() => client.socket.resume(), 8);
      });
      client.send(GET);
      await until(() => received > body.length || client.socket.closed);
      expect(received).toBeGreaterThan(body.length);
      // Longer than a pause may be.
      expect(performance.now() - began).toBeGreaterThan(1_000);
      expect(server.refusals).toEqual([]);
    }, stop),
  );
});
