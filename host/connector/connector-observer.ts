import type { ConnectionInfo, Exchange } from '../exchange/exchange.js';
import type { RefusalReason } from './refusal.js';

/**
 * Sees what a connector does, to count and to log it. Every method MAY be left out, MUST be cheap and MUST NOT
 * throw: they are called on the hot path.
 */
export interface ConnectorObserver {
  connectionOpened?(): void;
  connectionClosed?(): void;
  /**
   * A response was finished, or the exchange ended without one. Called once for each exchange given to the handler.
   * Called when the last byte has been accepted for sending; for a tunnel, when the connection has closed.
   */
  finished?(exchange: Exchange, result: ExchangeResult): void;
  /**
   * A limit or a rule was broken: a request was refused before an exchange existed, or its body or connection was
   * cut later. `status` is the status of the answer, 0 when there was none. `request` is what is known of a request that
   * never became an exchange; undefined when it is a body or a connection that was refused.
   */
  refused?(
    reason: RefusalReason,
    status: number,
    connection: ConnectionInfo,
    request: RefusedRequest | undefined,
  ): void;
  /** A connection without a request is closed because it has reached a limit; nothing was refused. */
  closedByLimit?(reason: ClosingReason): void;
  /**
   * The handler threw, or gave a response that cannot be sent; the client gets 500 or a cut connection. Without this
   * method the error becomes a process warning.
   */
  handlerFailed?(exchange: Exchange, error: unknown): void;
}

/**
 * The limit that ended a connection which had done nothing wrong. A bounded set: it becomes a label of a counter.
 * `keep-alive-timeout`: no further request within `keepAliveTimeoutMs`; `max-requests`: it has carried
 * `maxRequestsPerConnection`; `no-request`: a new one sent nothing within `headerTimeoutMs`; `descriptor-limit`:
 * idle, when the process had few descriptors left and others came.
 */
export type ClosingReason = 'keep-alive-timeout' | 'max-requests' | 'no-request' | 'descriptor-limit';

/** A request that was refused before anybody could trust what it says. */
export interface RefusedRequest {
  /** What has arrived of it, as it came: any bytes at all. Valid during the call only. */
  readonly head: Uint8Array;
  /** Bytes of the body of the answer. */
  readonly bytesOut: number;
}

/** How one exchange ended. */
export interface ExchangeResult {
  /** Status of the final response; 0 when none was begun. */
  readonly status: number;
  /** Bytes of the request body that arrived, without chunk framing; for a tunnel, the bytes of the client. */
  readonly bytesIn: number;
  /** Bytes of the response body, without framing. */
  readonly bytesOut: number;
  /** From the complete request head to the end, in milliseconds. */
  readonly durationMs: number;
  /** The exchange ended before its time, whoever was the cause. */
  readonly aborted: boolean;
}
