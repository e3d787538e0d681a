import type { Socket } from 'node:net';
import { AbortReason, type ConnectionInfo } from '../exchange/exchange.js';
import type { FieldBlock } from '../http/field-block.js';
import { currentHttpDate } from '../http/http-date.js';
import type { ConnectionContext } from './connection-context.js';
import { Parsed } from './field-section-parser.js';
import { type ExchangeOwner, Http1Exchange } from './http1-exchange.js';
import { Http1RequestHead } from './http1-request-head.js';
import { InputBuffer } from './input-buffer.js';
import { type RefusalReason, refusalResponse, refusalStatus } from './refusal.js';
import { BodyEvent, RequestBody } from './request-body.js';
import type { FieldWriter } from './response-bytes.js';
import { connectionInfoOf } from './socket-info.js';
import { SocketOutput } from './socket-output.js';
import { WriteWatch } from './write-watch.js';

/**
 * One HTTP/1.x connection: turns bytes into exchanges, one at a time, in order. Owned by the listener; lives until
 * the socket has closed, and outlives its exchanges.
 *
 * `reading` says what the next byte is. All reading happens in `run`, a loop that ends when more bytes, credit or
 * the end of a response are needed; whoever brings one of them calls `run` again. Deadlines are numbers that the
 * listener's sweep looks at.
 */
export class Http1Connection implements ExchangeOwner {
  readonly info: ConnectionInfo;
  readonly output: SocketOutput;
  readonly fieldWriter: FieldWriter;

  private readonly socket: Socket;
  private readonly context: ConnectionContext;
  private readonly input = new InputBuffer();
  private reading: Reading = Reading.HEAD;
  private exchange: Http1Exchange | undefined;
  private tunnel: Http1Exchange | undefined;
  private requestCount = 0;
  private isRunning = false;
  private isPaused = false;
  /** The client has closed its direction. */
  private inputEnded = false;
  private tunnelInputEnded = false;
  /** The connection is not to be used for another request. */
  private closes = false;

  /** The body being read; undefined when there is none. */
  private body: RequestBody | undefined;
  /** Bytes of unwanted body that are still read and dropped. */
  private swallowLeft = 0;
  private bytesSinceDeadline = 0;

  private readDeadline: number;
  private readonly writeWatch = new WriteWatch();

  constructor(socket: Socket, context: ConnectionContext, isSecure: boolean) {
    this.socket = socket;
    this.context = context;
    this.fieldWriter = context.fieldWriter;
    this.info = connectionInfoOf(socket, isSecure);
    this.output = new SocketOutput(socket);
    this.output.onDrain = () => this.onDrain();
    this.readDeadline = this.inMs(context.limits.headerTimeoutMs);
    socket.on('data', (chunk: Buffer) => this.onData(chunk));
    socket.on('end', () => this.onEnd());
    socket.on('close', () => this.onClose());
    // What went wrong does not matter: 'close' follows, and the exchange in flight is told then.
    socket.on('error', () => this.closeAfterwards());
  }

  // What the listener calls.

  /** Called at every sweep: cuts what has waited too long. */
  sweep(now: number): void {
    if (this.writeWatch.isStuck(this.output, now, this.context.limits.bodyIdleTimeoutMs)) {
      this.report('write-timeout');
      this.socket.resetAndDestroy();
      return;
    }
    if (now >= this.readDeadline) this.expire();
  }

  /** Closes now if nothing is in flight, otherwise behind the exchange in flight. Tunnels stay. */
  drain(): void {
    if (this.reading !== Reading.HEAD || this.input.length > 0) return;
    if (this.requestCount > 0) this.discard();
    // The first request of a fresh connection may be on its way.
    else this.readDeadline = Math.min(this.readDeadline, this.inMs(FRESH_GRACE_MS));
  }

  destroy(): void {
    this.socket.destroy();
  }

  // What the exchange calls.

  closesAfter(exchange: Http1Exchange): boolean {
    const { limits, isDraining } = this.context;
    if (this.closes) return true;
    if (
      isDraining ||
      (limits.maxRequestsPerConnection > 0 && this.requestCount >= limits.maxRequestsPerConnection) ||
      (this.inputEnded && this.input.length === 0) ||
      (this.reading === Reading.BODY && this.isNotWorthSwallowing(exchange))
    ) {
      this.closes = true;
    }
    return this.closes;
  }

  closeAfterwards(): void {
    this.closes = true;
  }

  responseEnded(exchange: Http1Exchange): void {
    this.finished(exchange);
    this.exchange = undefined;
    if (this.closes) {
      this.discard();
    } else if (this.reading === Reading.BODY) {
      this.swallowLeft = SWALLOW_BYTES;
      this.readDeadline = this.inMs(SWALLOW_MS);
    } else {
      this.awaitRequest();
    }
    if (!this.isRunning && (this.input.length > 0 || this.inputEnded || this.isPaused)) this.run();
  }

  cut(exchange: Http1Exchange, reset: boolean): void {
    this.closes = true;
    this.reading = Reading.CLOSED;
    this.finished(exchange);
    this.exchange = this.tunnel = undefined;
    if (reset) {
      this.output.flush();
      this.socket.resetAndDestroy();
    } else {
      this.output.destroySoon();
    }
  }

  tunnelBegun(): void {
    this.tunnel = this.exchange;
    this.exchange = undefined;
    this.closes = true;
    this.reading = Reading.TUNNEL;
    this.readDeadline = Number.POSITIVE_INFINITY;
    // Not within `begin`: the handler has not yet seen it return.
    process.nextTick(() => this.run());
  }

  tunnelEnded(): void {
    this.output.end();
  }

  creditReturned(): void {
    if (!this.isRunning && this.input.length > 0) this.run();
  }

  continued(): void {
    this.awaitBody();
  }

  handlerFailed(exchange: Http1Exchange, error: unknown): void {
    const { observer } = this.context;
    if (observer.handlerFailed !== undefined) observer.handlerFailed(exchange, error);
    else process.emitWarning(error instanceof Error ? error : String(error));
  }

  // What the socket calls.

  private onData(chunk: Buffer): void {
    if (this.reading === Reading.DISCARD) {
      this.swallowLeft -= chunk.length;
      if (this.swallowLeft < 0) this.socket.destroy();
      return;
    }
    this.input.add(chunk);
    if (this.reading === Reading.BODY) this.bodyArrived(chunk.length);
    if (!this.isRunning) this.run();
  }

  private onEnd(): void {
    this.inputEnded = true;
    if (!this.isRunning) this.run();
  }

  private onClose(): void {
    this.reading = Reading.CLOSED;
    this.closes = true;
    const exchange = this.exchange ?? this.tunnel;
    this.exchange = this.tunnel = undefined;
    if (exchange !== undefined) {
      if (!(exchange.isTunnel && exchange.isEnded && this.inputEnded)) exchange.lose(AbortReason.CANCELLED);
      this.finished(exchange);
    }
    this.input.clear();
    this.context.forget(this);
  }

  private onDrain(): void {
    const exchange = this.exchange ?? this.tunnel;
    if (exchange === undefined || exchange.isEnded) return;
    try {
      exchange.listener?.drain();
    } catch (error) {
      this.failed(exchange, error);
    }
  }

  // Reading.

  private run(): void {
    this.isRunning = true;
    this.output.hold();
    while (this.step());
    this.isRunning = false;
    this.output.release();
    if (this.inputEnded) this.afterInputEnd();
    this.balance();
  }

  private step(): boolean {
    if (this.input.length === 0) return false;
    switch (this.reading) {
      case Reading.HEAD:
        return this.stepHead();
      case Reading.BODY:
        return this.stepBody();
      case Reading.TUNNEL:
        return this.stepTunnel();
      case Reading.DISCARD:
      case Reading.CLOSED:
        this.input.clear();
        return false;
      default:
        return false;
    }
  }

  private stepHead(): boolean {
    const { input, context } = this;
    const { headParser, target } = context;
    if (!this.inputEnded && !input.isWorthTrying) return false;
    const parsed = headParser.parse(input.bytes, input.start, input.end);
    if (parsed === Parsed.INCOMPLETE) {
      if (!input.wasTried) this.readDeadline = this.inMs(context.limits.headerTimeoutMs);
      input.noteTried();
      return false;
    }
    if (parsed === Parsed.REFUSED) return this.refuse(headParser.refusal);
    const refusal = target.read(input.bytes, headParser);
    if (refusal !== undefined) return this.refuse(refusal);
    this.dispatch(new Http1RequestHead(input.bytes, headParser, target, this.info));
    return true;
  }

  private dispatch(head: Http1RequestHead): void {
    const { headParser, handler } = this.context;
    const { bodyLength } = headParser;
    this.input.start = headParser.end;
    this.input.forgetTried();
    this.requestCount++;
    if (!headParser.keepsAlive) this.closes = true;
    const exchange = new Http1Exchange(this, head, performance.now());
    this.exchange = exchange;
    if (bodyLength === 0) {
      this.reading = Reading.WAIT;
      this.readDeadline = Number.POSITIVE_INFINITY;
    } else {
      this.reading = Reading.BODY;
      this.body = new RequestBody(bodyLength);
      this.swallowLeft = SWALLOW_BYTES;
      if (head.expectsContinue) this.readDeadline = Number.POSITIVE_INFINITY;
      else this.awaitBody();
    }
    try {
      handler(exchange);
    } catch (error) {
      this.failed(exchange, error);
    }
    if (this.reading === Reading.WAIT && this.exchange === exchange && head.upgrade === undefined) {
      this.tellEnd(exchange, undefined);
    }
  }

  private stepBody(): boolean {
    const { exchange, input, body } = this;
    if (body === undefined) return false;
    switch (body.next(input, this.creditOf(exchange), this.context.trailerParser)) {
      case BodyEvent.DATA:
        this.deliver(exchange, body.data);
        // The listener may have ended it all meanwhile.
        if (body.isComplete && this.reading === Reading.BODY) this.bodyComplete(undefined);
        return true;
      case BodyEvent.END:
        this.bodyComplete(body.trailers);
        return true;
      case BodyEvent.BROKEN:
        return this.bodyFailed('bad-body', AbortReason.BAD_BODY);
      case BodyEvent.TRAILERS_TOO_LARGE:
        return this.bodyFailed('trailers-too-large', AbortReason.BAD_BODY);
      default:
        // Behind the last chunk the trailers may be there already.
        return body.inTrailers && !input.wasTried && input.length > 0;
    }
  }

  private stepTunnel(): boolean {
    const { tunnel, input } = this;
    if (tunnel === undefined) return false;
    const wanted = Math.min(input.length, tunnel.credit);
    if (wanted === 0) return false;
    this.deliver(tunnel, input.take(wanted));
    return true;
  }

  /** How many body bytes may be taken now: credit of a listener, else what is left to be swallowed. */
  private creditOf(exchange: Http1Exchange | undefined): number {
    return exchange?.listener === undefined ? Math.max(0, this.swallowLeft) : exchange.credit;
  }

  private deliver(exchange: Http1Exchange | undefined, bytes: Buffer): void {
    if (exchange !== undefined) exchange.bytesIn += bytes.length;
    const listener = exchange?.listener;
    if (exchange === undefined || listener === undefined) {
      this.swallowLeft -= bytes.length;
      if (this.swallowLeft <= 0) this.swallowedEnough();
      return;
    }
    exchange.credit -= bytes.length;
    try {
      listener.data(bytes);
    } catch (error) {
      this.failed(exchange, error);
    }
  }

  /** Nobody wants this body and it does not end. */
  private swallowedEnough(): void {
    this.closes = true;
    this.report('unread-body');
    // With an answer still to come the rest stays unread until it is there.
    if (this.exchange === undefined) this.discard();
  }

  private bodyComplete(trailers: FieldBlock | undefined): void {
    const { exchange } = this;
    this.body = undefined;
    if (exchange === undefined) {
      this.awaitRequest();
      return;
    }
    this.reading = Reading.WAIT;
    this.readDeadline = Number.POSITIVE_INFINITY;
    this.tellEnd(exchange, trailers);
  }

  private tellEnd(exchange: Http1Exchange, trailers: FieldBlock | undefined): void {
    try {
      exchange.listener?.end(trailers);
    } catch (error) {
      this.failed(exchange, error);
    }
  }

  /** Ready for the next request of this connection. */
  private awaitRequest(): void {
    if (this.context.isDraining && this.input.length === 0) {
      this.discard();
      return;
    }
    this.reading = Reading.HEAD;
    this.readDeadline = this.inMs(this.context.limits.keepAliveTimeoutMs);
  }

  private awaitBody(): void {
    this.readDeadline = this.inMs(this.context.limits.bodyIdleTimeoutMs);
    this.bytesSinceDeadline = 0;
  }

  /**
   * A pause counts from the last bytes. Drops do not: a request body has to come at a least rate, unless the answer
   * has begun and both sides talk.
   */
  private bodyArrived(bytes: number): void {
    if (this.exchange === undefined) return;
    this.bytesSinceDeadline += bytes;
    const least = (this.context.limits.bodyIdleTimeoutMs * LEAST_BODY_BYTES_PER_SECOND) / 1000;
    if (this.bytesSinceDeadline >= least || this.exchange.isBegun || !Number.isFinite(this.readDeadline)) {
      this.awaitBody();
    }
  }

  /** Reads on or stops reading, according to what is left over. */
  private balance(): void {
    const { exchange } = this;
    const rest = this.input.length;
    let pauses = false;
    if (this.reading === Reading.WAIT) {
      pauses = rest >= PIPELINED_BYTES;
    } else if (this.reading === Reading.TUNNEL) {
      pauses = rest > 0;
    } else if (this.reading === Reading.BODY && exchange !== undefined) {
      pauses = rest > 0 && this.body?.inTrailers !== true;
      // It is not the client who is slow while we do not read, or while it waits for 100.
      if (pauses) this.readDeadline = Number.POSITIVE_INFINITY;
      else if (!Number.isFinite(this.readDeadline) && !isAwaitingContinue(exchange)) this.awaitBody();
    }
    if (pauses === this.isPaused) return;
    this.isPaused = pauses;
    if (pauses) this.socket.pause();
    else this.socket.resume();
  }

  /** The client has sent FIN, and all it sent before has been looked at. */
  private afterInputEnd(): void {
    const rest = this.input.length;
    switch (this.reading) {
      case Reading.HEAD:
        if (rest > 0) this.refuse('incomplete-request');
        else this.discard();
        break;
      case Reading.BODY:
        // RFC 9112 §8: a body that ends early is incomplete, whatever its framing.
        if (rest === 0 || this.body?.inTrailers === true) this.bodyFailed('bad-body', AbortReason.BAD_BODY);
        break;
      case Reading.WAIT:
        // The client may still read its answer, or be gone: nobody can tell. It gets some time.
        if (!Number.isFinite(this.readDeadline)) {
          this.readDeadline = this.inMs(this.context.limits.bodyIdleTimeoutMs);
        }
        break;
      case Reading.TUNNEL:
        if (rest === 0 && this.tunnel !== undefined && !this.tunnelInputEnded) {
          this.tunnelInputEnded = true;
          this.tellEnd(this.tunnel, undefined);
        }
        break;
      default:
        break;
    }
  }

  // Endings.

  /** A request that cannot be trusted: answer, read nothing more of it (RFC 9112 §9.6), close. */
  private refuse(reason: RefusalReason): false {
    this.report(reason);
    const response = refusalResponse(reason, currentHttpDate());
    // Without a request line nobody knows that it was HEAD.
    const isHead = reason !== 'bad-request-line' && this.context.headParser.method === 'HEAD';
    const end = isHead ? response.indexOf('\r\n\r\n') + 4 : response.length;
    this.output.append(Buffer.from(response.slice(0, end), 'latin1'));
    this.discard();
    return false;
  }

  private bodyFailed(reason: RefusalReason, abort: AbortReason): false {
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

  private failed(exchange: Http1Exchange, error: unknown): void {
    this.handlerFailed(exchange, error);
    exchange.abort(AbortReason.APPLICATION_ERROR);
  }

  /**
   * Closes our direction behind what is still to be sent, and reads and drops for a while what the client sends: a
   * socket closed with unread bytes is reset, and the reset could overtake the answer (RFC 9112 §9.6).
   */
  private discard(): void {
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

  private expire(): void {
    switch (this.reading) {
      case Reading.HEAD:
        if (this.input.length > 0) this.refuse('header-timeout');
        else if (this.output.bufferedBytes > 0) this.awaitRequest();
        else this.discard();
        break;
      case Reading.BODY:
        if (this.exchange === undefined) this.swallowedEnough();
        else this.bodyFailed('body-timeout', AbortReason.BODY_TIMEOUT);
        break;
      case Reading.DISCARD:
        // A slow reader still gets its answer; whether it reads at all is watched elsewhere.
        if (this.output.bufferedBytes > 0) this.readDeadline = this.inMs(SWALLOW_MS);
        else this.socket.destroy();
        break;
      case Reading.WAIT:
        this.socket.destroy();
        break;
      default:
        this.readDeadline = Number.POSITIVE_INFINITY;
    }
  }

  private isNotWorthSwallowing(exchange: Http1Exchange): boolean {
    // RFC 9110 §10.1.1: who was not told to continue may or may not send the body.
    return isAwaitingContinue(exchange) || (this.body?.remaining ?? 0) > SWALLOW_BYTES;
  }

  private finished(exchange: Http1Exchange): void {
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

  private report(reason: RefusalReason): void {
    this.context.observer.refused?.(reason, refusalStatus(reason), this.info);
  }

  /** A deadline so far from now. The clock is as old as the last sweep at most, so a deadline is never early. */
  private inMs(durationMs: number): number {
    return this.context.now + this.context.sweepMs + durationMs;
  }
}

const Reading = {
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
type Reading = (typeof Reading)[keyof typeof Reading];

/** Most bytes of an unwanted request body that are read to keep the connection. */
const SWALLOW_BYTES = 2 * 1024 * 1024;
/** Longest time for that, and for a client to close after we did. */
const SWALLOW_MS = 2_000;
/** Bytes of further requests that are kept while one is answered; more stay in the kernel. */
const PIPELINED_BYTES = 64 * 1024;
/** Slower than this for a whole idle period, a request body counts as stopped. */
const LEAST_BODY_BYTES_PER_SECOND = 16;
/** What a connection without any request gets when the listener drains. */
const FRESH_GRACE_MS = 500;

function isAwaitingContinue(exchange: Http1Exchange): boolean {
  return exchange.head.expectsContinue && !exchange.hasContinued && exchange.bytesIn === 0;
}
