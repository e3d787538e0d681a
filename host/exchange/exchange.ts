import type { FieldBlock, Fields } from '../http/field-block.js';
import type { TlsInfo } from './tls-info.js';

/**
 * The contract between whoever receives requests (connector, instance end of the exchange protocol, test engine)
 * and whoever answers them (front, engines, node-server adapter, static files). Protocol-neutral: an HTTP/1.1 and an
 * HTTP/2 exchange look the same. No promises and no streams here: the hot path calls methods.
 *
 * The producer owns the exchange and calls the handler once, synchronously, as soon as the head is complete and
 * checked. All calls happen on the event-loop thread; callbacks never run inside a call of the other side's
 * constructor. Both directions are flow-controlled.
 */
export type ExchangeHandler = (exchange: Exchange) => void;

/** One request and its response. */
export interface Exchange {
  readonly head: RequestHead;
  /**
   * Takes over the request body and the signals of this exchange. MUST be called synchronously inside the handler by
   * whoever wants any of them; without a listener the body is read and dropped (up to a limit of the producer). A
   * listener MAY be replaced later by another call while the request has no body.
   */
  listen(listener: RequestListener): void;
  /** Returns credit: `bytes` of the request body were used up, as many may be delivered anew. */
  consumed(bytes: number): void;

  /** Sends an interim response: 100 (RFC 9110 §15.2.1) or 103. Ignored once the final response has begun. */
  interim(status: number, fields: Fields): void;
  /**
   * The whole response in one call; the cheapest form. Framing (Content-Length, none for HEAD, 204, 304) is the
   * producer's work. Strings are sent as UTF-8. Illegal: after `begin` or `respond`.
   */
  respond(status: number, fields: Fields, body: string | Uint8Array | undefined): void;
  /**
   * Starts a response whose body follows by `write` and `end`. A Content-Length among the fields frames the body,
   * otherwise the producer chunks. Status 101 turns the exchange into a tunnel: from then on the request body is the
   * bytes of the client, the response body the bytes to it, `end` closes one direction.
   */
  begin(status: number, fields: Fields): void;
  /**
   * Sends body bytes. False: stop until `RequestListener.drain`. The chunk belongs to the exchange from here on; see
   * `isHolding`.
   */
  write(chunk: Uint8Array): boolean;
  /** Ends the response body. Trailers are sent where the protocol can carry them, otherwise dropped. */
  end(trailers?: Fields): void;
  /**
   * Gives up. Before `begin` the producer answers with an error status fitting the reason, afterwards it truncates
   * visibly (RFC 9112 §8: an HTTP/1.1 connection is closed without the last chunk). Harmless when already ended.
   */
  abort(reason: AbortReason): void;

  /** True after `respond`, `end` or `abort`, or when the peer has gone. */
  readonly isEnded: boolean;
  /** True after `begin`, `respond`. */
  readonly isBegun: boolean;
  /**
   * True while chunks that were given to `write` wait here to be sent. False right behind `write`: their memory is the
   * caller's again. A producer that cannot tell leaves it out, and keeps what it was given.
   */
  readonly isHolding?: boolean;
  /** Free for the handler to keep what it knows about this exchange; the producer never looks at it. */
  attachment?: unknown;
}

/**
 * Answer of a listener to body bytes: nobody needs them any more. Not `true`, which a listener might return by accident,
 * as a function of one expression does.
 */
export const USED_UP: unique symbol = Symbol('used up');

/** What an exchange tells its handler. */
export interface RequestListener {
  /**
   * Body bytes. At most one window ahead of `Exchange.consumed`. After the answer `USED_UP` the producer MAY use their
   * memory again, after a `SendMark` when they have left; after any other, none included, it never does.
   */
  data(chunk: Buffer): unknown;
  /**
   * Where the listener wants the next bytes of the body: whoever reads from a socket MAY read into it instead of into
   * memory of its own, from its first byte on. What was read comes by `data` as any other chunk, as views of this
   * memory, in order. Undefined, or no such method: anywhere. Asked anew before each read; it promises nothing.
   */
  room?(): Buffer | undefined;
  /** The body is complete. Also called, synchronously or later, for a request without a body. */
  end(trailers: FieldBlock | undefined): void;
  /** `write` may be called again after it returned false. */
  drain(): void;
  /** The exchange is over before its time: nothing arrives any more, nothing can be sent. Called at most once. */
  aborted(reason: AbortReason): void;
}

/** Head of a request, checked by the producer: nothing in it can be read in two ways. */
export interface RequestHead {
  /** A token, case kept: `GET`. */
  readonly method: string;
  /**
   * Canonical path, percent-encoded: begins with `/`; no empty, `.` or `..` segments; `%XX` of unreserved characters
   * decoded, other escapes in upper case (RFC 3986 §6.2.2). `*` for `OPTIONS *`.
   */
  readonly path: string;
  /** Query as sent, without `?`; undefined when the target had none. */
  readonly query: string | undefined;
  /** HTTP version the client speaks: '1.0', '1.1' or '2.0'. */
  readonly version: string;
  /** All end-to-end header fields, Host included; connection-specific ones (RFC 9110 §7.6.1) left out. */
  readonly fields: FieldBlock;
  /** The same fields as `name, value, …`, from producers that have them as texts: whoever reads these needs no block. */
  readonly flat?: readonly string[] | undefined;
  /** Host and optional port as the client named them, in lower case; '' for HTTP/1.0 without Host. */
  readonly authority: string;
  /** Bytes of the body if known; 0 for none; -1 for unknown (chunked) and for tunnels. */
  readonly bodyLength: number;
  /** Protocol of an upgrade request (`websocket`), or a list of them without blanks; undefined for an ordinary request. */
  readonly upgrade: string | undefined;
  /** The request has `Expect: 100-continue` and waits for `Exchange.interim(100)` or a final answer. */
  readonly expectsContinue: boolean;
  readonly connection: ConnectionInfo;
}

/** Facts of the connection a request came on; one object per connection. */
export interface ConnectionInfo {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly isSecure: boolean;
  /** What TLS tells of it; undefined when it is not known, as behind a proxy that ended TLS. */
  readonly tls?: TlsInfo | undefined;
  /** Application that calls, as `callerName` has it; undefined for requests from outside. Not carried over the wire. */
  readonly caller?: string | undefined;
}

/** Why an exchange ended before its time. The numbers are those of the wire protocol. */
export const AbortReason = {
  /** The client closed or reset the connection, or the handler lost interest. */
  CANCELLED: 1,
  /** A deadline passed: 504 before the response began. */
  TIMEOUT: 2,
  /** The process that should answer has gone: 502 before the response began. */
  INSTANCE_GONE: 3,
  /** The peer broke the protocol: 502 before the response began. */
  PROTOCOL_ERROR: 4,
  /** The application failed: 500 before the response began. */
  APPLICATION_ERROR: 5,
  /** The request body is larger than allowed: 413. */
  BODY_TOO_LARGE: 6,
  /** Not accepted, nothing was done with it: 503 with Retry-After; may be sent elsewhere. */
  REFUSED: 7,
  /** The request body stopped coming: 408. */
  BODY_TIMEOUT: 8,
  /** The request body was malformed (chunked framing, early end): 400. */
  BAD_BODY: 9,
} as const;
export type AbortReason = (typeof AbortReason)[keyof typeof AbortReason];
