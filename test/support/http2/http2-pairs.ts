import { afterEach } from '@jest/globals';
import type { ExchangeHandler } from '#host/exchange/exchange.js';
import { TestServer } from '#test/support/connector-server.js';
import { Http2Client } from './http2-client.js';

/** A connector that speaks HTTP/2, and one client on it. */
export interface Http2Pair {
  readonly server: TestServer;
  readonly client: Http2Client;
}

/** Called once in a file: gives what starts a pair. All of them are stopped after each test. */
export function http2Pairs(): (handler: ExchangeHandler) => Promise<Http2Pair> {
  const pairs: Http2Pair[] = [];
  afterEach(async () => {
    for (const { client, server } of pairs.splice(0).reverse()) {
      client.close();
      await server.stop();
    }
  });
  return async (handler) => {
    const server = await TestServer.start(handler, {}, { http2: {} });
    const client = await Http2Client.open(server.port);
    pairs.push({ server, client });
    return { server, client };
  };
}
