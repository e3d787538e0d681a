import {
  constants,
  type OutgoingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import { AbortReason, type ConnectionInfo } from '../../exchange/exchange.js';
import { STATUS_PAGE_TYPE, statusPage } from '../../http/status-page.js';
import type { ServedConnection } from '../connection-context.js';
import { FRESH_GRACE_MS } from '../connection-lifetime.js';
import { type RefusalReason, refusalStatus } from '../refusal.js';
import { judgeContested } from '../waiver.js';
import { AbuseWatch } from './abuse-watch.js';
import type { Http2Context } from './http2-context.js';
import { Http2Exchange } from './http2-exchange.js';
import type { Http2ExchangeOwner } from './http2-exchange-owner.js';
import { codeOf, nameProtocolErrors } from './protocol-errors.js';
import { Http2RequestHead } from './request-head.js';
import { closeWhenReset } from './reset-stream.js';
import type { ResponseFields } from './response-fields.js';

/**
 * One HTTP/2 connection: turns streams into exchanges. Owned by the listener; lives until the session has closed, and
 * outlives its exchanges. Deadlines are numbers that the listener's sweep looks at.
 */
export class Http2Connection implements ServedConnection, Http2ExchangeOwner {
  readonly info: ConnectionInfo;
  readonly responseFields: ResponseFields;
  readonly bodyIdleTimeoutMs: number;
  readonly watch: AbuseWatch;

  private readonly socket: Socket;
  private readonly context: Http2Context;
  private readonly session: ServerHttp2Session;
  /** Exchanges whose stream has not closed. */
  private readonly exchanges = new Set<Http2Exchange>();
  private requestCount = 0;
  /** Without a stream until then, the connection is closed. */
  private idleDeadline: number;
  private isLeaving = false;
  /** Of a connection that is let go of and has no stream: until then the client closes, or is cut. */
  private closeDeadline = Number.POSITIVE_INFINITY;

  constructor(socket: Socket, context: Http2Context, info: ConnectionInfo) {
    const { limits, settings } = context;
    this.socket = socket;
    this.context = context;
    this.info = info;
    this.responseFields = context.responseFields;
    this.bodyIdleTimeoutMs = limits.bodyIdleTimeoutMs;
    this.watch = new AbuseWatch(settings, context.now);
    this.idleDeadline = this.deadlineIn(limits.headerTimeoutMs);
    // A client that closes its direction of the connection has gone: streams end by themselves.
    socket.allowHalfOpen = false;
    this.session = performServerHandshake(socket, context.options);
    const { session } = this;
    nameProtocolErrors(session);
    session.on('error', (error) => this.onError(error));
    session.on('close', () => this.onClose());
    session.on('stream', (stream: ServerHttp2Stream, _headers: unknown, flags: number, raw?: unknown) =>
      this.onStream(stream, flags, raw as string[]),
    );
    session.on('ping', () => this.judge(this.watch.ping()));
    session.on('remoteSettings', () => this.judge(this.watch.settingsFrame()));
    session.once('connect', () => session.setLocalWindowSize(CONNECTION_WINDOW_BYTES));
    if (context.isDraining) this.drain();
  }

  // What the listener calls.

  sweep(now: number): void {
    let unread = 0;
    for (const exchange of this.exchanges) {
      unread += exchange.unreadBytes;
      this.judgePace(exchange, now);
    }
    this.judge(this.watch.sweep(now, this.socket.bytesRead, unread));
    if (this.exchanges.size > 0) return;
    if (this.isLeaving) {
      if (now >= this.closeDeadline) this.endClosing(now);
    } else if (now >= this.idleDeadline) {
      this.context.observer.closedByLimit?.(this.requestCount > 0 ? 'keep-alive-timeout' : 'no-request');
      this.drain();
    }
  }

  /**
   * Lets go of the connection: GOAWAY names the last stream that is served, and behind it the connection closes. A client
   * sends what it asked later elsewhere, nothing of it was looked at (RFC 9113 §6.8). The library cannot announce it
   * beforehand: it ignores all new streams once it has sent any GOAWAY.
   */
  eachOpen(visit: (exchange: Http2Exchange) => void): void {
    for (const exchange of this.exchanges) visit(exchange);
  }

  drain(): void {
    if (this.isLeaving) return;
    this.leave();
    this.session.close();
  }

  shed(): boolean {
    if (this.isLeaving || this.exchanges.size > 0) return false;
    const { now, limits, observer } = this.context;
    // The first request of a fresh connection may be on its way.
    if (this.requestCount === 0 && this.idleDeadline - now > limits.headerTimeoutMs - FRESH_GRACE_MS)
      return false;
    observer.closedByLimit?.('descriptor-limit');
    this.leave();
    // With GOAWAY: a client knows that what it is sending was not looked at, and sends it elsewhere.
    this.session.destroy(undefined, constants.NGHTTP2_NO_ERROR);
    return true;
  }

  destroy(): void {
    this.session.destroy();
    this.socket.destroy();
  }

  // What the exchange calls.

  responseEnded(exchange: Http2Exchange): void {
    if (!exchange.isTunnel) this.finished(exchange);
  }

  streamClosed(exchange: Http2Exchange): void {
    if (!this.exchanges.delete(exchange)) return;
    const { isEnded } = exchange;
    if (!isEnded) exchange.lose(AbortReason.CANCELLED);
    // Also behind a whole response that the client has not taken: making it was the work.
    if (!isEnded || exchange.wasReset) this.judge(this.watch.reset());
    this.finished(exchange);
    if (this.exchanges.size > 0) return;
    this.idleDeadline = this.deadlineIn(this.context.limits.keepAliveTimeoutMs);
    if (this.isLeaving) this.leave();
  }

  /** A deadline so far from now. The clock is as old as the last sweep at most, so a deadline is never early. */
  deadlineIn(durationMs: number): number {
    return this.context.now + this.context.sweepMs + durationMs;
  }

  handlerFailed(exchange: Http2Exchange, error: unknown): void {
    const { observer } = this.context;
    if (observer.handlerFailed !== undefined) observer.handlerFailed(exchange, error);
    else process.emitWarning(error instanceof Error ? error : String(error));
  }

  // What the session calls.

  private onStream(stream: ServerHttp2Stream, flags: number, raw: readonly string[]): void {
    const { context } = this;
    this.watch.headers(raw);
    this.requestCount++;
    if (stream.destroyed || stream.closed) {
      // RFC 9113 §8.7: reset before anybody could look at it.
      closeWhenReset(stream);
      this.judge(this.watch.reset());
      return;
    }
    const hasBody = (flags & constants.NGHTTP2_FLAG_END_STREAM) === 0;
    const head = this.headOf(raw, hasBody);
    if (typeof head === 'string') {
      this.refuse(stream, head, raw);
      return;
    }
    const exchange = new Http2Exchange(this, stream, head, hasBody, performance.now());
    this.exchanges.add(exchange);
    const { maxRequestsPerConnection } = context.limits;
    if (maxRequestsPerConnection > 0 && this.requestCount >= maxRequestsPerConnection && !this.isLeaving) {
      context.observer.closedByLimit?.('max-requests');
      this.drain();
    }
    try {
      context.handler(exchange);
    } catch (error) {
      this.handlerFailed(exchange, error);
      exchange.abort(AbortReason.APPLICATION_ERROR);
    }
    exchange.handled();
  }

  private headOf(raw: readonly string[], hasBody: boolean): Http2RequestHead | RefusalReason {
    const { headReader, waives } = this.context;
    const refusal = headReader.read(raw, hasBody);
    if (!headReader.isContested) return refusal ?? new Http2RequestHead(headReader, this.info);
    const isTrace = headReader.method === 'TRACE';
    const make = (): Http2RequestHead => new Http2RequestHead(headReader, this.info);
    return judgeContested(waives, headReader.target, isTrace, refusal, make);
  }

  private onError(error: unknown): void {
    this.leave();
    // What a limit of ours has ended is reported already.
    if (!this.watch.isExhausted && codeOf(error) !== undefined) this.report('http2-protocol-error');
  }

  private onClose(): void {
    for (const exchange of [...this.exchanges]) this.streamClosed(exchange);
    this.context.forget(this);
  }

  /** A limit was passed: nothing this client sends is worth reading. */
  private judge(reason: RefusalReason | undefined): void {
    if (reason === undefined || this.session.destroyed) return;
    this.report(reason);
    this.leave();
    this.session.destroy(new Error(reason), constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  private leave(): void {
    this.isLeaving = true;
    this.closeDeadline = this.deadlineIn(CLOSE_MS);
  }

  /**
   * The library ends our direction and waits for the client to close the other, for ever. One that has been sent all has
   * had its time; one that takes its last bytes slowly gets that of a pause.
   */
  private endClosing(now: number): void {
    this.session.destroy();
    if (this.socket.writableFinished || now >= this.closeDeadline + this.bodyIdleTimeoutMs) this.destroy();
  }

  private refuse(stream: ServerHttp2Stream, reason: RefusalReason, raw: readonly string[]): void {
    const status = refusalStatus(reason);
    const page = statusPage(status);
    const isHead = raw.includes('HEAD');
    const { context } = this;
    context.observer.refused?.(reason, status, this.info, {
      head: headText(raw),
      bytesOut: isHead ? 0 : page.length,
    });
    closeWhenReset(stream);
    stream.on('close', () => {
      if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) this.judge(this.watch.reset());
    });
    stream.resume();
    const headers: OutgoingHttpHeaders = {
      ':status': status,
      'content-type': STATUS_PAGE_TYPE,
      'content-length': page.length,
      ...(reason === 'method-not-allowed' ? { allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' } : {}),
    };
    context.responseFields.complete(headers);
    stream.respond(headers, { endStream: isHead });
    if (!isHead) stream.end(page);
  }

  private judgePace(exchange: Http2Exchange, now: number): void {
    const { limits } = this.context;
    const { watch } = exchange;
    const slowReader = watch.slowReader(exchange, now, limits);
    if (slowReader !== undefined) {
      this.report(slowReader);
      exchange.reset(constants.NGHTTP2_CANCEL);
      return;
    }
    const slowBody = watch.slowBody(exchange, now, limits);
    if (slowBody !== undefined) {
      this.report(slowBody);
      exchange.fail(AbortReason.BODY_TIMEOUT, refusalStatus(slowBody));
      exchange.tellAborted(AbortReason.BODY_TIMEOUT);
    } else if (watch.isOver(exchange, now)) {
      exchange.reset(constants.NGHTTP2_NO_ERROR);
    }
  }

  private finished(exchange: Http2Exchange): void {
    const { observer } = this.context;
    if (exchange.isReported) return;
    exchange.isReported = true;
    observer.finished?.(exchange, {
      status: exchange.status,
      bytesIn: exchange.bytesIn,
      bytesOut: exchange.bytesOut,
      durationMs: performance.now() - exchange.startedAt,
      aborted: exchange.wasAborted,
    });
  }

  private report(reason: RefusalReason): void {
    this.context.observer.refused?.(reason, refusalStatus(reason), this.info, undefined);
  }
}

/** What a client may send on one connection ahead of us; the library gives it back as soon as it has read it. */
const CONNECTION_WINDOW_BYTES = 1024 * 1024;
/** How long a client has to close when nothing is left to be done. */
const CLOSE_MS = 2_000;

/** The beginning of the request as HTTP/1.1 would have it, for a log. Any bytes at all. */
function headText(raw: readonly string[]): Buffer {
  const named = (name: string): string => {
    const at = raw.indexOf(name);
    return at < 0 ? '' : (raw[at + 1] ?? '');
  };
  return Buffer.from(`${named(':method')} ${named(':path')} HTTP/2.0\r\n`, 'latin1');
}
