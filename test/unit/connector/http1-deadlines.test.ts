import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from '@jest/globals';
import { AbortReason, type Exchange } from '#host/exchange/exchange.js';
import type { TestServer } from '#test/support/connector-server.js';
import { echo } from '#test/support/echo.js';
import { GET, http1Pair, listener, post } from '#test/support/http1-pair.js';
import { undisturbed, until } from '#test/support/polling.js';
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

describe('limits in time', () => {
  it('close a connection that is idle, silently', async () => {
    await start(echo, { keepAliveTimeoutMs: 100 });
    client.send(GET);
    await client.response();
    expect(await client.response()).toBeUndefined();
    expect(server.refusals).toEqual([]);
    expect(server.closings).toEqual(['keep-alive-timeout']);
  });

  it('close a connection that never says anything, silently', async () => {
    await start(echo, { headerTimeoutMs: 100 });
    expect(await client.response()).toBeUndefined();
    expect(server.refusals).toEqual([]);
    expect(server.closings).toEqual(['no-request']);
  });

  it('do not count a connection that its client or a drain closes', async () => {
    await start(echo, { maxRequestsPerConnection: 2 });
    client.send(GET);
    await client.response();
    await server.connector.drain(5000);
    expect(await client.response()).toBeUndefined();
    client = await RawClient.open(server.port);
    client.send(GET.replace('Host', 'Connection: close\r\nHost'));
    await client.response();
    await client.closing();
    expect(server.closings).toEqual([]);
  });

  it(
    'answer 408 to a head that drips',
    undisturbed(async () => {
      await start(echo, { headerTimeoutMs: 1_000 });
      client.send('GET / HTTP/1.1\r\nHost: a\r\n');
      const drip = setInterval(() => client.send('X: y\r\n'), 20);
      const response = await client.response();
      clearInterval(drip);
      expect(response?.status).toBe(408);
      expect(server.refusals).toEqual([['header-timeout', 408]]);
      await client.closing();
    }, stop),
  );

  it('answer 408 to a body that stops', async () => {
    const reasons: AbortReason[] = [];
    await start((exchange) => exchange.listen(listener({ aborted: (reason) => reasons.push(reason) })), {
      bodyIdleTimeoutMs: 150,
    });
    client.send(`${post(10)}abc`);
    const response = await client.response();
    expect([response?.status, headerOf(response, 'connection')]).toEqual([408, 'close']);
    expect(reasons).toEqual([AbortReason.BODY_TIMEOUT]);
    expect(server.refusals).toEqual([['body-timeout', 408]]);
  });

  it('answer 408 to a body that drips', async () => {
    await start((exchange) => exchange.listen(listener({ data: (c) => exchange.consumed(c.length) })), {
      bodyIdleTimeoutMs: 1_000,
    });
    client.send(post(1000));
    const drip = setInterval(() => client.send('x'), 100);
    const response = await client.response();
    clearInterval(drip);
    expect(response?.status).toBe(408);
    expect(server.refusals).toEqual([['slow-body', 408]]);
  });

  it('answer 408 to a body of single bytes in chunks, though their framing counts', async () => {
    await start((exchange) => exchange.listen(listener({ data: (c) => exchange.consumed(c.length) })), {
      bodyIdleTimeoutMs: 1_000,
    });
    client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    const drip = setInterval(() => client.send('1\r\nx\r\n'), 100);
    const response = await client.response();
    clearInterval(drip);
    expect(response?.status).toBe(408);
    expect(server.refusals).toEqual([['slow-body', 408]]);
  });

  it(
    'let a body drip that comes at the least rate',
    undisturbed(async () => {
      await start(
        (exchange) =>
          exchange.listen(
            listener({
              data: (c) => exchange.consumed(c.length),
              end: () => exchange.respond(200, [], 'all'),
            }),
          ),
        { bodyIdleTimeoutMs: 500, minBodyBytesPerSecond: 100 },
      );
      client.send(post(200));
      let sent = 0;
      const drip = setInterval(() => {
        if (++sent <= 40) client.send('12345');
      }, 25);
      const response = await client.response();
      clearInterval(drip);
      expect(response?.body.toString()).toBe('all');
    }, stop),
  );

  it(
    'let a client drip once the answer has begun, but not stop',
    undisturbed(async () => {
      const reasons: AbortReason[] = [];
      let received = 0;
      await start(
        (exchange) => {
          exchange.listen(
            listener({
              data: (chunk) => {
                received += chunk.length;
                exchange.consumed(chunk.length);
              },
              aborted: (reason) => reasons.push(reason),
            }),
          );
          exchange.begin(200, []);
        },
        { bodyIdleTimeoutMs: 500 },
      );
      client.send(post(1000));
      const drip = setInterval(() => client.send('x'), 50);
      await until(() => received > 30);
      clearInterval(drip);
      expect(reasons).toEqual([]);
      await until(() => reasons.length === 1);
      expect(server.refusals).toEqual([['body-timeout', 408]]);
    }, stop),
  );

  it(
    'do not run while the handler does not take the body',
    undisturbed(async () => {
      let exchange: Exchange | undefined;
      await start(
        (each) => {
          exchange = each;
          each.listen(listener({ end: () => each.respond(200, [], 'all') }));
        },
        { bodyIdleTimeoutMs: 1_000 },
      );
      client.send(post(300_000));
      client.send(Buffer.alloc(300_000));
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      exchange?.consumed(256 * 1024);
      expect((await client.response())?.body.toString()).toBe('all');
    }, stop),
  );

  it('end a request whose client has closed its direction and gets no answer', async () => {
    const reasons: AbortReason[] = [];
    await start((exchange) => exchange.listen(listener({ aborted: (reason) => reasons.push(reason) })), {
      bodyIdleTimeoutMs: 100,
    });
    client.send(GET);
    client.socket.end();
    await until(() => reasons.length === 1);
    expect(reasons).toEqual([AbortReason.CANCELLED]);
  });

  it(
    'give a client that has closed its direction as long as its answer goes on',
    undisturbed(async () => {
      const reasons: AbortReason[] = [];
      let parts = 0;
      let timer: NodeJS.Timeout | undefined;
      await start(
        (exchange) => {
          exchange.listen(listener({ aborted: (reason) => reasons.push(reason) }));
          exchange.begin(200, []);
          timer = setInterval(() => {
            if (++parts <= 20) exchange.write(Buffer.from('part '));
          }, 75);
        },
        { bodyIdleTimeoutMs: 800 },
      );
      client.send(GET);
      client.socket.end();
      await until(() => reasons.length === 1);
      clearInterval(timer);
      // It was cut when nothing more came, not before.
      expect(parts).toBeGreaterThan(20);
      expect((await client.response())?.body.toString('latin1')).toContain('part');
    }, stop),
  );

  it('tell the handler soon that a client has closed, however long bodies may pause', async () => {
    const reasons: AbortReason[] = [];
    await start((exchange) => exchange.listen(listener({ aborted: (reason) => reasons.push(reason) })), {
      bodyIdleTimeoutMs: 60_000,
    });
    client.send(GET);
    client.socket.end();
    await until(() => reasons.length === 1);
    expect(reasons).toEqual([AbortReason.CANCELLED]);
  });

  it(
    'leave a slow answer alone',
    undisturbed(async () => {
      await start((exchange) => setTimeout(() => exchange.respond(200, [], 'slow'), 1_000), {
        bodyIdleTimeoutMs: 500,
        headerTimeoutMs: 500,
        keepAliveTimeoutMs: 500,
      });
      client.send(GET);
      expect((await client.response())?.body.toString()).toBe('slow');
    }, stop),
  );

  it('refuse a connection beyond the most allowed with 503', async () => {
    await start(echo, { maxConnections: 1 });
    client.send(GET);
    await client.response();
    const second = await RawClient.open(server.port);
    const response = await second.response();
    expect([response?.status, headerOf(response, 'retry-after')]).toEqual([503, '1']);
    await second.closing();
    expect(server.refusals).toEqual([['connection-limit', 503]]);
    client.destroy();
    await until(() => server.connector.openConnections === 0);
    client = await RawClient.open(server.port);
    client.send(GET);
    expect((await client.response())?.status).toBe(200);
  });
});

describe('a client that has vanished', () => {
  it('is asked for by TCP while it waits for its answer', async () => {
    await start(() => undefined, { headerTimeoutMs: 100 });
    client.send(GET);
    await until(
      'the timer of its connection is the one of keep-alive',
      () => tcpTimerOf(server.port, client) === 2,
    );
  });
});

/** Kind of the timer that runs for the server's end of a connection (proc(5), /proc/net/tcp): 2 is keep-alive. */
function tcpTimerOf(port: number, { socket }: RawClient): number | undefined {
  const hex = (number: number | undefined): string =>
    (number ?? 0).toString(16).toUpperCase().padStart(4, '0');
  const ends = new RegExp(`:${hex(port)} \\w+:${hex(socket.localPort)} \\w\\w \\S+ (\\w\\w):`);
  return Number(ends.exec(readFileSync('/proc/net/tcp', 'latin1'))?.[1]);
}
