import type { AbuseWatch } from './abuse-watch.js';
import type { Http2Exchange } from './http2-exchange.js';
import type { ResponseFields } from './response-fields.js';

/** What an exchange needs of its connection. */
export interface Http2ExchangeOwner {
  readonly responseFields: ResponseFields;
  readonly watch: AbuseWatch;
  /** The last byte of the response was accepted, or there will be none. */
  responseEnded(exchange: Http2Exchange): void;
  /** The stream has closed: nothing of it is left. */
  streamClosed(exchange: Http2Exchange): void;
  /** A deadline of the exchange moves. */
  deadlineIn(durationMs: number): number;
  readonly bodyIdleTimeoutMs: number;
  handlerFailed(exchange: Http2Exchange, error: unknown): void;
}
