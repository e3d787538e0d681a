import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { ConnectorLimits } from '#host/config/connector-limits.js';
import { TestServer } from '#test/support/connector-server.js';
import { Flag, Frame, frame, PREFACE, request, setting, uint32 } from '#test/support/http2/frame-client.js';
import { headerBlock } from '#test/support/http2/hpack.js';
import { until } from '#test/support/polling.js';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

async function serve(limits: Partial<ConnectorLimits>): Promise<TestServer> {
  const body = Buffer.alloc(20 * 1024 * 1024);
  const server = await TestServer.start(
    (exchange) => exchange.respond(200, [], exchange.head.path === '/large' ? body : 'small'),
    { headerTimeoutMs: 600_000, keepAliveTimeoutMs: 600_000, ...limits },
    { http2: {} },
  );
  stops.push(() => server.stop());
  return server;
}

/** Asks, and never closes its direction of the connection. */
function ask(server: TestServer, path: string): Socket {
  const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
  stops.push(() => socket.destroy());
  socket.on('error', () => undefined);
  socket.write(
    Buffer.concat([
      PREFACE,
      frame(Frame.SETTINGS, 0, 0, setting(4, 2 ** 31 - 1)),
      frame(Frame.WINDOW_UPDATE, 0, 0, uint32(2 ** 30)),
      frame(Frame.HEADERS, Flag.END_STREAM | Flag.END_HEADERS, 1, headerBlock(request(path))),
    ]),
  );
  return socket;
}

describe('an HTTP/2 connection that the client does not close', () => {
  it('is cut some time after its GOAWAY', async () => {
    const server = await serve({ keepAliveTimeoutMs: 100 });
    ask(server, '/').resume();
    await until(() => server.closings.length === 1);
    expect(server.closings).toEqual(['keep-alive-timeout']);
    await until(() => server.openConnections === 0);
    expect(server.closed).toBe(1);
  });

  it('does not hold up a drain', async () => {
    const server = await serve({});
    ask(server, '/').resume();
    await until(() => server.results.length === 1);
    await server.connector.drain(600_000);
    expect(server.openConnections).toBe(0);
  });

  it('is cut though it does not even read', async () => {
    const server = await serve({ bodyIdleTimeoutMs: 500, keepAliveTimeoutMs: 500 });
    ask(server, '/large').pause();
    await until(() => server.opened === 1);
    await until(() => server.openConnections === 0);
    expect(server.reasons).toEqual(['write-timeout']);
    expect(server.results).toHaveLength(1);
  });
});
