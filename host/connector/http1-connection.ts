import type { Socket } from 'node:net';
import { AbortReason, type ConnectionInfo } from '../exchange/exchange.js';
import { freeBytes } from '../exchange/read-area.js';
import { handBack, readFrom } from '../exchange/socket-input.js';
import type { FieldBlock } from '../http/field-block.js';
import { BodyRoom, LARGE_BODY_CHUNK, LEAST_ROOM_BYTES } from './body-room.js';
import type { ConnectionContext, ServedConnection } from './connection-context.js';
import {
  ConnectionLifetime,
  FRESH_GRACE_MS,
  Reading,
  SWALLOW_BYTES,
  SWALLOW_MS,
} from './connection-lifetime.js';
import { Parsed } from './field-section-parser.js';
import { BodyEvent, Http1Body } from './http1-body.js';
import { type ExchangeOwner, Http1Exchange } from './http1-exchange.js';
import { Http1RequestHead } from './http1-request-head.js';
import { asksForHttp2 } from './http2/preface.js';
import { judgeContested } from './waiver.js';

/**
 * One HTTP/1.x connection: turns bytes into exchanges, one at a time, in order. Owned by the listener; lives until
 * the socket has closed, and outlives its exchanges.
 *
 * `reading` says what the next byte is. All reading happens in `run`, a loop that ends when more bytes, credit or
 * the end of a response are needed; whoever brings one of them calls `run` again.
 */
export class Http1Connection extends ConnectionLifetime implements ExchangeOwner, ServedConnection {
  private isRunning = false;
  private bodyRoom: BodyRoom | undefined;
  /** Body bytes of the chunk being looked at that nobody needs any more. */
  private usedUp = 0;
  private tunnelInputEnded = false;

  constructor(socket: Socket, context: ConnectionContext, info: ConnectionInfo) {
    super(socket, context, info);
    this.output.onDrain = () => this.onDrain();
    readFrom(
      socket,
      (chunk) => this.onData(chunk),
      () => this.roomForBody(),
    );
    socket.on('end', () => this.onEnd());
    socket.on('close', () => this.onClose());
    // What went wrong does not matter: 'close' follows, and the exchange in flight is told then.
    socket.on('error', () => this.closeAfterwards());
  }

  // What the listener calls.

  /** Closes now if nothing is in flight, otherwise behind the exchange in flight. Tunnels stay. */
  drain(): void {
    if (this.reading !== Reading.HEAD || this.input.length > 0) return;
    if (this.requestCount > 0) this.discard();
    // The first request of a fresh connection may be on its way.
    else this.readDeadline = Math.min(this.readDeadline, this.inMs(FRESH_GRACE_MS));
  }

  // What the exchange calls.

  closesAfter(exchange: Http1Exchange): boolean {
    const { limits, isDraining, observer } = this.context;
    if (this.closes) return true;
    const { maxRequestsPerConnection } = limits;
    const isSpent = maxRequestsPerConnection > 0 && this.requestCount >= maxRequestsPerConnection;
    if (isSpent) observer.closedByLimit?.('max-requests');
    if (
      isSpent ||
      isDraining ||
      (this.inputEnded && this.input.length === 0) ||
      (this.reading === Reading.BODY && this.isNotWorthSwallowing(exchange))
    ) {
      this.closes = true;
    }
    return this.closes;
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

  tunnelBegun(): void {
    this.tunnel = this.exchange;
    this.exchange = undefined;
    this.closes = true;
    this.reading = Reading.TUNNEL;
    this.readDeadline = Number.POSITIVE_INFINITY;
    // Both sides may be silent for long; a peer that has vanished is found by TCP.
    this.probePeer();
    // Not within `begin`: the handler has not yet seen it return.
    process.nextTick(() => this.run());
  }

  tunnelEnded(): void {
    this.output.end();
    this.awaitAnswer(this.tunnel);
  }

  creditReturned(): void {
    if (!this.isRunning && this.input.length > 0) this.run();
  }

  // What the socket calls.

  private onData(chunk: Buffer): void {
    if (this.reading === Reading.DISCARD) {
      this.swallowLeft -= chunk.length;
      if (this.swallowLeft < 0) this.socket.destroy();
      return;
    }
    if (chunk.length >= LARGE_BODY_CHUNK) this.bodyRoom ??= new BodyRoom();
    this.bodyRoom?.read(chunk.length);
    const area = this.bodyRoom?.area;
    this.usedUp = 0;
    this.input.add(chunk);
    if (this.reading === Reading.BODY) this.bodyBytes += chunk.length;
    else if (this.reading === Reading.TUNNEL && this.tunnel?.isEnded === true) this.tunnelEnded();
    if (!this.isRunning) this.run();
    if (area !== undefined && this.usedUp < chunk.length && area.lends(chunk)) area.keep(chunk, this.usedUp);
  }

  /** Where to read the next bytes of a large body; undefined: they are copied out of memory that all share. */
  private roomForBody(): Buffer | undefined {
    const exchange = this.reading === Reading.BODY ? this.exchange : undefined;
    const waiting = this.input.length;
    const remaining = exchange === undefined ? 0 : (this.body?.remaining ?? 0) - waiting;
    const credit = waiting > 0 ? undefined : exchange?.credit;
    // Never beyond the body, nor beyond the credit.
    const most = Math.min(credit ?? 0, remaining);
    const room = most < LEAST_ROOM_BYTES ? undefined : exchange?.listener?.room?.();
    if (room !== undefined && room.length >= LEAST_ROOM_BYTES)
      return room.length <= most ? room : room.subarray(0, most);
    return this.bodyRoom?.next(remaining, credit);
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
    if (exchange !== undefined && !exchange.isEnded) {
      try {
        exchange.listener?.drain();
      } catch (error) {
        this.failed(exchange, error);
      }
    }
    if (!this.isRunning && this.input.length > 0) this.run();
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
        // A client that asks and asks without reading the answers has to wait.
        return !this.output.isFull && this.stepHead();
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
    if (parsed === Parsed.REFUSED) return this.isHttp2() ? this.handOver() : this.refuse(headParser.refusal);
    const refusal = target.read(input.bytes, headParser, this.info);
    if (refusal === undefined && !headParser.isTrace) {
      this.dispatch(new Http1RequestHead(input.bytes, headParser, target, this.info));
      return true;
    }
    const judged = judgeContested(
      context.waives,
      target,
      headParser.isTrace,
      refusal,
      () => new Http1RequestHead(input.bytes, headParser, target, this.info),
    );
    if (typeof judged === 'string') return this.refuse(judged);
    this.dispatch(judged);
    return true;
  }

  private isHttp2(): boolean {
    return (
      this.requestCount === 0 && this.context.http2 !== undefined && asksForHttp2(this.socket, this.input)
    );
  }

  /** Whatever the socket tells from here on finds a connection that is closed. */
  private handOver(): false {
    const { socket, input, context } = this;
    const bytes = input.take(input.length);
    this.reading = Reading.CLOSED;
    input.clear();
    handBack(socket, bytes);
    context.release(this);
    context.http2?.adopt(socket, this.info);
    return false;
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
      this.body = new Http1Body(bodyLength);
      this.swallowLeft = SWALLOW_BYTES;
      this.awaitBody();
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
      this.usedUp += bytes.length;
      this.swallowLeft -= bytes.length;
      if (this.swallowLeft <= 0) this.swallowedEnough();
      return;
    }
    exchange.credit -= bytes.length;
    try {
      this.usedUp += freeBytes(listener.data(bytes), bytes.length, this.bodyRoom?.area);
    } catch (error) {
      this.failed(exchange, error);
    }
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

  /** The client has sent FIN, and all it sent before has been looked at. */
  private afterInputEnd(): void {
    const rest = this.input.length;
    switch (this.reading) {
      case Reading.HEAD:
        if (rest > 0 && this.output.isFull) break;
        if (rest > 0) this.refuse('incomplete-request');
        else this.discard();
        break;
      case Reading.BODY:
        // RFC 9112 §8: a body that ends early is incomplete, whatever its framing.
        if (rest === 0 || this.body?.inTrailers === true) this.bodyFailed('bad-body', AbortReason.BAD_BODY);
        break;
      case Reading.WAIT:
        // The client may still read its answer, or be gone: nobody can tell. An answer that has begun finds out when
        // it writes; one that has not begun gets little time, so that no work goes on for a client that left.
        if (!Number.isFinite(this.readDeadline)) {
          const { bodyIdleTimeoutMs } = this.context.limits;
          this.readDeadline = this.inMs(this.exchange?.isBegun === true ? bodyIdleTimeoutMs : HALF_CLOSED_MS);
        }
        break;
      case Reading.TUNNEL:
        if (rest === 0 && this.tunnel !== undefined && !this.tunnelInputEnded) {
          this.tunnelInputEnded = true;
          this.awaitAnswer(this.tunnel);
          this.tellEnd(this.tunnel, undefined);
        }
        break;
      default:
        break;
    }
  }

  private isNotWorthSwallowing(exchange: Http1Exchange): boolean {
    // RFC 9110 §10.1.1: who was not told to continue may or may not send the body.
    return exchange.isAwaitingContinue || (this.body?.remaining ?? 0) > SWALLOW_BYTES;
  }
}

/** For a client that has sent FIN, until its unanswered request is given up. */
const HALF_CLOSED_MS = 1000;
