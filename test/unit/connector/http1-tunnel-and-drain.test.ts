import { afterEach, describe, expect, it } from '@jest/globals';
import { AbortReason, type Exchange, type ExchangeHandler } from '#host/exchange/exchange.js';
import type { TestServer } from '#test/support/connector-server.js';
import { echo } from '#test/support/echo.js';
import { GET, http1Pair } from '#test/support/http1-pair.js';
import { settle, until, WAIT_MS } from '#test/support/polling.js';
import { headerOf, type RawClient } from '#test/support/raw-client.js';

let server: TestServer;
let client: RawClient;

afterEach(async () => {
  client.destroy();
  await server.stop();
});

async function start(...given: Parameters<typeof http1Pair>): Promise<void> {
  ({ server, client } = await http1Pair(...given));
}

const UPGRADE = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: Echo\r\n\r\n';

const events: string[] = [];
/** Sends back what comes; closes when the client closes. */
const tunnel: ExchangeHandler = (exchange) => {
  events.length = 0;
  exchange.listen({
    data(chunk) {
      exchange.write(chunk);
      exchange.consumed(chunk.length);
    },
    end() {
      events.push('end');
      exchange.end();
    },
    drain: () => undefined,
    aborted: (reason) => events.push(`aborted ${reason}`),
  });
  exchange.begin(101, ['X', '1']);
};

describe('a tunnel', () => {
  it('carries bytes both ways, those sent too early included, and closes one direction after the other', async () => {
    await start(tunnel);
    client.send(`${UPGRADE}early`);
    const response = await client.response();
    expect(response?.line).toBe('HTTP/1.1 101 Switching Protocols');
    expect(headerOf(response, 'connection')).toBe('Upgrade');
    expect(headerOf(response, 'upgrade')).toBe('Echo');
    expect(headerOf(response, 'content-length')).toBeUndefined();
    expect((await client.bytes(5)).toString()).toBe('early');
    const many = Buffer.alloc(3_000_000, 'y');
    client.send(many);
    expect((await client.bytes(many.length)).equals(many)).toBe(true);
    client.socket.end();
    await client.closing();
    await until(() => server.results.length === 1);
    expect(events).toEqual(['end']);
    expect(server.results[0]).toMatchObject({
      status: 101,
      bytesIn: 3_000_005,
      bytesOut: 3_000_005,
      aborted: false,
    });
  });

  it('keeps the Upgrade field of the handler', async () => {
    await start((exchange) => exchange.begin(101, ['Upgrade', 'other', 'Connection', 'x']));
    client.send(UPGRADE);
    const response = await client.response();
    expect(headerOf(response, 'upgrade')).toBe('other');
    expect(headerOf(response, 'connection')).toBe('Upgrade');
  });

  it('tells the handler about a reset', async () => {
    await start(tunnel);
    client.send(UPGRADE);
    await client.response();
    client.socket.resetAndDestroy();
    await until(() => server.results.length === 1);
    expect(events).toEqual([`aborted ${AbortReason.CANCELLED}`]);
    expect(server.results[0]).toMatchObject({ status: 101, aborted: true });
  });

  it('is cut when the client has closed its direction and the handler leaves its own open, silent', async () => {
    await start(
      (exchange) => {
        events.length = 0;
        exchange.listen({
          data: () => undefined,
          end: () => events.push('end'),
          drain: () => undefined,
          aborted: (reason) => events.push(`aborted ${reason}`),
        });
        exchange.begin(101, []);
      },
      { bodyIdleTimeoutMs: 200 },
    );
    client.send(UPGRADE);
    await client.response();
    client.socket.end();
    await until(() => server.results.length === 1);
    expect(events).toEqual(['end', `aborted ${AbortReason.CANCELLED}`]);
    expect(server.connector.openConnections).toBe(0);
  });

  it('is not begun without a request for it', async () => {
    await start((exchange) => exchange.begin(101, []));
    client.send(GET);
    expect((await client.response())?.status).toBe(500);
  });

  it('may be cut by the handler', async () => {
    let exchange: Exchange | undefined;
    await start((each) => {
      exchange = each;
      each.begin(101, []);
    });
    client.send(UPGRADE);
    await client.response();
    exchange?.abort(AbortReason.INSTANCE_GONE);
    await client.closing();
    await until(() => server.connector.openConnections === 0);
  });
});

describe('Http1Listener.drain', () => {
  it('closes idle connections now', async () => {
    await start(echo);
    client.send(GET);
    await client.response();
    // Otherwise this would take longer than the test may.
    await server.connector.drain(600_000);
    expect(await client.response()).toBeUndefined();
  });

  it('lets the exchange in flight end, with Connection: close', async () => {
    let exchange: Exchange | undefined;
    await start((each) => {
      exchange = each;
    });
    client.send(GET);
    await until(() => exchange !== undefined);
    const drained = server.connector.drain(WAIT_MS);
    await settle();
    exchange?.respond(200, [], 'last');
    const response = await client.response();
    expect([response?.body.toString(), headerOf(response, 'connection')]).toEqual(['last', 'close']);
    client.socket.end();
    await drained;
    expect(server.connector.openConnections).toBe(0);
  });

  it('closes behind a response that had begun before', async () => {
    let exchange: Exchange | undefined;
    await start((each) => {
      each.begin(200, []);
      exchange = each;
    });
    client.send(GET);
    await until(() => exchange !== undefined);
    const drained = server.connector.drain(WAIT_MS);
    await settle();
    exchange?.end();
    expect((await client.response())?.isComplete).toBe(true);
    expect(await client.response()).toBeUndefined();
    client.socket.end();
    await drained;
  });

  it('lets a request that is arriving be answered', async () => {
    await start(echo);
    client.send('GET / HTTP/1.1\r\nHost');
    await until(() => server.opened === 1);
    await settle();
    const drained = server.connector.drain(WAIT_MS);
    await settle();
    client.send(': a\r\n\r\n');
    expect((await client.response())?.status).toBe(200);
    client.socket.end();
    await drained;
  });

  it('destroys what is left at the deadline', async () => {
    await start(tunnel);
    client.send(UPGRADE);
    await client.response();
    const before = Date.now();
    await server.connector.drain(150);
    expect(Date.now() - before).toBeGreaterThanOrEqual(140);
    await client.closing();
    await until(() => server.connector.openConnections === 0);
  });
});
