import type { Socket } from 'node:net';
import { AbortReason, type ConnectionInfo } from '../exchange/exchange.js';
import { currentHttpDate } from '../http/http-date.js';
import type { ConnectionContext } from './connection-context.js';
import type { RefusedRequest } from './connector-observer.js';
import type { Http1Body } from './http1-body.js';
import type { Http1Exchange } from './http1-exchange.js';
import { InputBuffer } from './input-buffer.js';
import { Pace, RateWatch } from './rate-watch.js';
import { type RefusalReason, refusalResponse, refusalStatus } from './refusal.js';
import { resetSocket } from './reset-socket.js';
import type { FieldWriter } from './response-bytes.js';
import { SocketOutput } from './socket-output.js';

/** What the next byte of a connection is. */
export const Reading = {
  /** Between requests, or within a head. */
  HEAD: 0,
  BODY: 1,
  /** The request is complete, the response is not. */
  WAIT: 2,
  TUNNEL: 3,
  /** Whatever comes is dropped, until the client closes or the time is up. */
  DISCARD: 4,
  CLOSED: 5,
} as const;
export type Reading = (typeof Reading)[keyof typeof Reading];

/**
 * The life of an HTTP/1.x connection apart from reading requests: its state, its deadlines, and all the ways it
 * ends. Owns the socket. The subclass reads.
 *
 * Deadlines are numbers that the listener's sweep looks at; there is no timer for a connection.
 */
export abstract class ConnectionLifetime {
  readonly info: ConnectionInfo;
  readonly output: SocketOutput;
  readonly fieldWriter: FieldWriter;

  protected readonly socket: Socket;
  protected readonly context: ConnectionContext;
  protected readonly input = new InputBuffer();
  protected reading: Reading = Reading.HEAD;
  protected exchange: Http1Exchange | undefined;
  protected tunnel: Http1Exchange | undefined;
  protected isPaused = false;
  /** The client has closed its direction. */
  protected inputEnded = false;
  /** Requests that have become exchanges. */
  protected requestCount = 0;
  /** The connection is not to be used for another request. */
  protected closes = false;

  /** The body being read; undefined when there is none. */
  protected body: Http1Body | undefined;
  /** Bytes of unwanted body that are still read and dropped. */
  protected swallowLeft = 0;
  /** Bytes of the body being read that have arrived, framing included. */
  protected bodyBytes = 0;
  /** Bytes of the response when a client that has closed its direction was last looked at. */
  private bytesOutSeen = 0;

  protected readDeadline: number;
  /** Made by a sweep that finds the client owing; most bodies and answers are over before. */
  protected bodyWatch: RateWatch | undefined;
  private writeWatch: RateWatch | undefined;
  /** TCP asks whether the client is still there, when it has been silent for long. */
  private isProbed = false;

  constructor(socket: Socket, context: ConnectionContext, info: ConnectionInfo) {
    this.socket = socket;
    this.context = context;
    this.fieldWriter = context.fieldWriter;
    this.info = info;
    this.output = new SocketOutput(socket);
    this.readDeadline = this.inMs(context.limits.headerTimeoutMs);
  }

  /** Called at every sweep: cuts what has waited too long. */
  sweep(now: number): void {
    if (this.output.bufferedBytes > 0) {
      if (this.isSlowReader(now)) return;
    } else {
      this.writeWatch = undefined;
    }
    if (this.reading === Reading.BODY && this.exchange !== undefined) this.watchBody(this.exchange, now);
    else if (now >= this.readDeadline) this.expire();
    else if (this.reading === Reading.WAIT) this.probePeer();
    // Thousands of idle connections shall not keep the bytes of their last requests.
    else if (this.input.length === 0) this.input.clear();
  }

  destroy(): void {
    this.socket.destroy();
  }

  shed(): boolean {
    if (this.reading !== Reading.HEAD || this.input.length > 0 || this.output.bufferedBytes > 0) return false;
    const { now, limits, observer } = this.context;
    // The first request of a fresh connection may be on its way.
    if (this.requestCount === 0 && this.readDeadline - now > limits.headerTimeoutMs - FRESH_GRACE_MS)
      return false;
    observer.closedByLimit?.('descriptor-limit');
    this.reading = Reading.CLOSED;
    this.socket.destroy();
    return true;
  }

  closeAfterwards(): void {
    this.closes = true;
  }

  cut(exchange: Http1Exchange, reset: boolean): void {
    this.closes = true;
    this.reading = Reading.CLOSED;
    this.finished(exchange);
    this.exchange = this.tunnel = undefined;
    if (reset) {
      this.output.flush();
      resetSocket(this.socket);
    } else {
      this.output.destroySoon();
    }
  }

  handlerFailed(exchange: Http1Exchange, error: unknown): void {
    const { observer } = this.context;
    if (observer.handlerFailed !== undefined) observer.handlerFailed(exchange, error);
    else process.emitWarning(error instanceof Error ? error : String(error));
  }

  /** Nobody wants this body and it does not end. */
  protected swallowedEnough(): void {
    this.closes = true;
    this.report('unread-body');
    // With an answer still to come the rest stays unread until it is there.
    if (this.exchange === undefined) this.discard();
  }

  /** Ready for the next request of this connection. */
  protected awaitRequest(): void {
    if (this.context.isDraining && this.input.length === 0) {
      this.discard();
      return;
    }
    this.reading = Reading.HEAD;
    this.readDeadline = this.inMs(this.context.limits.keepAliveTimeoutMs);
  }

  protected awaitBody(): void {
    this.bodyBytes = 0;
    this.bodyWatch = undefined;
    this.readDeadline = Number.POSITIVE_INFINITY;
  }

  /** An answer may be long in coming, and a client that vanishes meanwhile says nothing: TCP finds out. */
  protected probePeer(): void {
    if (this.isProbed) return;
    this.isProbed = true;
    this.socket.setKeepAlive(true, PROBE_MS);
  }

  /** Bytes wait for the client. In a tunnel only their owners know how fast they have to be. */
  private isSlowReader(now: number): boolean {
    const { bodyIdleTimeoutMs, minReadBytesPerSecond } = this.context.limits;
    const rate = this.reading === Reading.TUNNEL ? 0 : minReadBytesPerSecond;
    this.writeWatch ??= new RateWatch();
    const pace = this.writeWatch.look(this.output.progress, now, bodyIdleTimeoutMs, rate);
    if (pace === Pace.FAST_ENOUGH) return false;
    this.report(pace === Pace.STOPPED ? 'write-timeout' : 'slow-reader');
    resetSocket(this.socket);
    return true;
  }

  /** A body may be as slow as the application, but not slower by itself; when the answer has begun, both sides talk. */
  private watchBody(exchange: Http1Exchange, now: number): void {
    if (this.isPaused || exchange.isAwaitingContinue) {
      this.bodyWatch?.rest();
      return;
    }
    const { bodyIdleTimeoutMs, minBodyBytesPerSecond } = this.context.limits;
    const rate = exchange.isBegun ? 0 : minBodyBytesPerSecond;
    this.bodyWatch ??= new RateWatch();
    const pace = this.bodyWatch.look(this.bodyBytes, now, bodyIdleTimeoutMs, rate);
    if (pace === Pace.FAST_ENOUGH) return;
    this.bodyFailed(pace === Pace.STOPPED ? 'body-timeout' : 'slow-body', AbortReason.BODY_TIMEOUT);
  }

  /**
   * One direction is closed. Most clients that close theirs have gone, and the application must hear of it soon; a few
   * only have nothing more to say. So an answer has to come soon, and to go on. In a tunnel either side may take the
   * time of a pause within a body.
   */
  protected awaitAnswer(exchange: Http1Exchange | undefined): void {
    const { bodyIdleTimeoutMs } = this.context.limits;
    this.bytesOutSeen = exchange?.bytesOut ?? 0;
    this.readDeadline = this.inMs(
      exchange?.isTunnel === true ? bodyIdleTimeoutMs : Math.min(HALF_CLOSED_MS, bodyIdleTimeoutMs),
    );
  }

  private expireHalfClosed(exchange: Http1Exchange | undefined): void {
    // Whoever is gone resets the connection when something is sent. Whoever does not, reads.
    if (exchange !== undefined && exchange.bytesOut > this.bytesOutSeen) this.awaitAnswer(exchange);
    else this.socket.destroy();
  }

  /** Reads on or stops reading, according to what is left over. */
  protected balance(): void {
    const { exchange } = this;
    const rest = this.input.length;
    let pauses = false;
    if (this.reading === Reading.WAIT) {
      pauses = rest >= PIPELINED_BYTES;
    } else if (this.reading === Reading.HEAD) {
      pauses = rest > 0 && this.output.isFull;
    } else if (this.reading === Reading.TUNNEL) {
      pauses = rest > 0;
    } else if (this.reading === Reading.BODY && exchange !== undefined) {
      pauses = rest > 0 && this.body?.inTrailers !== true;
    }
    if (pauses === this.isPaused) return;
    this.isPaused = pauses;
    if (pauses) this.socket.pause();
    else this.socket.resume();
  }

  /** A request that cannot be trusted: answer, read nothing more of it (RFC 9112 §9.6), close. */
  protected refuse(reason: RefusalReason): false {
    const response = refusalResponse(
      reason,
      currentHttpDate(),
      this.fieldWriter.transportSecurityLine?.toString('latin1'),
    );
    // Without a request line nobody knows that it was HEAD.
    const isHead = reason !== 'bad-request-line' && this.context.headParser.method === 'HEAD';
    const bodyStart = response.indexOf('\r\n\r\n') + 4;
    const end = isHead ? bodyStart : response.length;
    const { bytes, start, end: received } = this.input;
    this.report(reason, { head: bytes.subarray(start, received), bytesOut: end - bodyStart });
    this.output.append(Buffer.from(response.slice(0, end), 'latin1'));
    this.discard();
    return false;
  }

  protected bodyFailed(reason: RefusalReason, abort: AbortReason): false {
    const { exchange } = this;
    this.report(reason);
    this.closes = true;
    if (exchange === undefined) {
      this.discard();
    } else {
      exchange.fail(abort, refusalStatus(reason));
      exchange.tellAborted(abort);
    }
    return false;
  }

  protected failed(exchange: Http1Exchange, error: unknown): void {
    this.handlerFailed(exchange, error);
    exchange.abort(AbortReason.APPLICATION_ERROR);
  }

  /**
   * Closes our direction behind what is still to be sent, and reads and drops for a while what the client sends: a
   * socket closed with unread bytes is reset, and the reset could overtake the answer (RFC 9112 §9.6).
   */
  protected discard(): void {
    if (this.reading === Reading.DISCARD || this.reading === Reading.CLOSED) return;
    this.reading = Reading.DISCARD;
    this.closes = true;
    this.input.clear();
    this.swallowLeft = SWALLOW_BYTES;
    this.readDeadline = this.inMs(SWALLOW_MS);
    if (this.isPaused) {
      this.isPaused = false;
      this.socket.resume();
    }
    this.output.end();
  }

  protected expire(): void {
    switch (this.reading) {
      case Reading.HEAD:
        // Answers that wait for a slow reader come first; whether it reads at all is watched elsewhere.
        if (this.output.bufferedBytes > 0) this.awaitRequest();
        else if (this.input.length > 0) this.refuse('header-timeout');
        else this.closeIdle();
        break;
      case Reading.BODY:
        this.swallowedEnough();
        break;
      case Reading.DISCARD:
        if (this.output.bufferedBytes > 0) this.readDeadline = this.inMs(SWALLOW_MS);
        else this.socket.destroy();
        break;
      case Reading.WAIT:
      case Reading.TUNNEL:
        this.expireHalfClosed(this.exchange ?? this.tunnel);
        break;
      default:
        this.readDeadline = Number.POSITIVE_INFINITY;
    }
  }

  /** Nobody has done anything wrong: there is nothing to answer. */
  private closeIdle(): void {
    const { isDraining, observer } = this.context;
    if (!isDraining) observer.closedByLimit?.(this.requestCount > 0 ? 'keep-alive-timeout' : 'no-request');
    this.discard();
  }

  eachOpen(visit: (exchange: Http1Exchange) => void): void {
    if (this.exchange !== undefined) visit(this.exchange);
    if (this.tunnel !== undefined && this.tunnel !== this.exchange) visit(this.tunnel);
  }

  protected finished(exchange: Http1Exchange): void {
    const { observer } = this.context;
    if (observer.finished === undefined) return;
    observer.finished(exchange, {
      status: exchange.status,
      bytesIn: exchange.bytesIn,
      bytesOut: exchange.bytesOut,
      durationMs: performance.now() - exchange.startedAt,
      aborted: exchange.wasAborted,
    });
  }

  protected report(reason: RefusalReason, request?: RefusedRequest): void {
    this.context.observer.refused?.(reason, refusalStatus(reason), this.info, request);
  }

  /** A deadline so far from now. The clock is as old as the last sweep at most, so a deadline is never early. */
  protected inMs(durationMs: number): number {
    return this.context.now + this.context.sweepMs + durationMs;
  }
}

/** Most bytes of an unwanted request body that are read to keep the connection. */
export const SWALLOW_BYTES = 2 * 1024 * 1024;
/** Longest time for that, and for a client to close after we did. */
export const SWALLOW_MS = 2_000;
/** Silence before TCP asks for the client. */
const PROBE_MS = 60_000;
/** What a connection without any request gets when it is not to stay. */
export const FRESH_GRACE_MS = 500;
/** How long a client that has closed its direction waits for its answer to begin, and between two parts of it. */
const HALF_CLOSED_MS = 2_000;
/** Bytes of further requests that are kept while one is answered; more stay in the kernel. */
const PIPELINED_BYTES = 64 * 1024;
