import type { ConnectorLimits } from '#host/config/connector-limits.js';
import type { ExchangeHandler, RequestListener } from '#host/exchange/exchange.js';
import { TestServer } from './connector-server.js';
import { RawClient } from './raw-client.js';

/** A connector that speaks HTTP/1.1, and one client on it. */
export async function http1Pair(
  handler: ExchangeHandler,
  limits: Partial<ConnectorLimits> = {},
): Promise<{ server: TestServer; client: RawClient }> {
  const server = await TestServer.start(handler, limits);
  return { server, client: await RawClient.open(server.port) };
}

/** A whole request. */
export const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

/** The head of a request with a body of this length; `more`: lines of fields. */
export function post(length: number, more = ''): string {
  return `POST / HTTP/1.1\r\nHost: a\r\n${more}Content-Length: ${length}\r\n\r\n`;
}

/** A listener that does nothing but this. */
export function listener(over: Partial<RequestListener>): RequestListener {
  const nothing = (): void => undefined;
  return { data: nothing, end: nothing, drain: nothing, aborted: nothing, ...over };
}

/** Answers with the path, in a later turn. */
export const later: ExchangeHandler = (exchange) =>
  setImmediate(() => exchange.respond(200, [], exchange.head.path));
