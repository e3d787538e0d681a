import {
  constants,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
  type ServerStreamResponseOptions,
} from 'node:http2';
import { AbortReason, type RequestHead } from '../../exchange/exchange.js';
import { illegalCall } from '../../exchange/exchange-errors.js';
import type { Fields } from '../../http/field-block.js';
import { STATUS_PAGE_TYPE, statusPage } from '../../http/status-page.js';
import { ConnectorExchange } from '../connector-exchange.js';
import { Framing, lengthWithoutBody, mayHaveBody } from '../response-framing.js';
import type { Http2ExchangeOwner } from './http2-exchange-owner.js';
import { closeWhenReset } from './reset-stream.js';
import { type BodyOwner, StreamBody } from './stream-body.js';
import { StreamOutput } from './stream-output.js';
import { StreamWatch, type WatchedStream } from './stream-watch.js';

/**
 * One request and its response on one stream of an HTTP/2 connection (RFC 9113 §8.1). Made by the connection for each
 * request; outlives the response until the client has taken it all.
 */
export class Http2Exchange extends ConnectorExchange implements BodyOwner, WatchedStream {
  attachment: unknown;
  /** The observer knows that it is over. */
  isReported = false;
  readonly watch = new StreamWatch();

  private readonly owner: Http2ExchangeOwner;
  private readonly stream: ServerHttp2Stream;
  private readonly body: StreamBody | undefined;
  private readonly output: StreamOutput;
  private trailers: OutgoingHttpHeaders | undefined;
  private isRefusedBody = false;
  /** By us. */
  private isReset = false;
  private isCut = false;

  constructor(
    owner: Http2ExchangeOwner,
    stream: ServerHttp2Stream,
    head: RequestHead,
    hasBody: boolean,
    startedAt: number,
  ) {
    super(head, startedAt);
    this.owner = owner;
    this.stream = stream;
    this.output = new StreamOutput(stream);
    this.body = hasBody ? new StreamBody(stream, this) : undefined;
    closeWhenReset(stream, () => this.isReset);
    if (!hasBody) stream.resume();
    stream.on('close', () => this.owner.streamClosed(this));
  }

  /** The connection has told the handler of the request: what it wants of the body is known. */
  handled(): void {
    const { body, listener } = this;
    if (body === undefined) {
      if (!this.wasAborted) this.tellEnd();
    } else if (this.head.upgrade === undefined && !body.isEnded) {
      if (listener !== undefined) body.start(listener);
      else if (!this.isEnded) body.swallow(SWALLOW_BYTES);
    }
  }

  override consumed(bytes: number): void {
    this.body?.consumed(bytes);
  }

  override interim(status: number, fields: Fields): void {
    if (this.isGone || !this.canInform(status)) return;
    const headers: OutgoingHttpHeaders = { ':status': status };
    if (!this.owner.responseFields.addTo(headers, fields)) {
      this.refuseResponse('an interim response has an illegal field');
      return;
    }
    this.stream.additionalHeaders(headers);
    if (status === 100) this.hasContinued = true;
  }

  override respond(status: number, fields: Fields, body: string | Uint8Array | undefined): void {
    if (!this.canAnswer('respond', status)) return;
    if (this.wouldOpenTunnel(status)) {
      this.respond(NOT_UPGRADED, ['content-type', STATUS_PAGE_TYPE], statusPage(NOT_UPGRADED));
      return;
    }
    const headers = this.headersOf(status, fields);
    if (headers === undefined) return;
    const hasBody = mayHaveBody(status, this.head.method);
    const bodyBytes =
      body === undefined ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    const declared = this.owner.responseFields.contentLength;
    let length = bodyBytes;
    if (!hasBody) length = lengthWithoutBody(status, declared, body === undefined ? -1 : bodyBytes);
    // A length that lies is kept and cut: the client must see that something is wrong (RFC 9113 §8.1.1).
    else if (declared >= 0) length = declared;
    if (length >= 0) headers['content-length'] = length;
    const sent = hasBody ? Math.min(bodyBytes, length) : 0;
    const isCut = hasBody && length !== bodyBytes;
    this.isBegun = true;
    this.status = status;
    this.bytesOut = sent;
    if (this.isGone) return;
    this.stream.respond(headers, sent === 0 && !isCut ? END : OPEN);
    if (isCut) {
      this.breakOff(`Content-Length is ${length}, the body has ${bodyBytes} bytes`);
      return;
    }
    if (sent > 0) this.output.end(body);
    this.owner.watch.sent(sent);
    this.finish();
  }

  override begin(status: number, fields: Fields): void {
    if (!this.canAnswer('begin', status)) return;
    const isTunnel = status === 101;
    const isMistaken = this.wouldOpenTunnel(status);
    // RFC 8441 §5: what 101 is in HTTP/1.1 is 200 here, and the handshake needs no proof.
    const headers = isMistaken
      ? this.headersOf(NOT_UPGRADED, [])
      : this.headersOf(isTunnel ? 200 : status, fields);
    if (headers === undefined) return;
    if (isTunnel) delete headers['sec-websocket-accept'];
    this.isBegun = true;
    this.status = isMistaken ? NOT_UPGRADED : status;
    let length = isTunnel ? -1 : this.owner.responseFields.contentLength;
    let options = OPEN;
    if (isTunnel) {
      this.framing = Framing.TUNNEL;
    } else if (isMistaken) {
      // What is written from here on goes nowhere.
      this.framing = Framing.NONE;
      length = 0;
      options = END;
    } else if (!mayHaveBody(status, this.head.method)) {
      this.framing = Framing.NONE;
      length = lengthWithoutBody(status, length, -1);
      options = END;
    } else if (length >= 0) {
      this.framing = Framing.LENGTH;
      this.remaining = length;
    } else {
      this.framing = Framing.CHUNKED;
      options = WITH_TRAILERS;
    }
    if (length >= 0) headers['content-length'] = length;
    if (this.isGone) return;
    const { stream } = this;
    if (options === WITH_TRAILERS) {
      stream.on('wantTrailers', () => {
        if (!this.isGone) stream.sendTrailers(this.trailers ?? NO_TRAILERS);
      });
    }
    if (options !== END) this.output.onDrain = () => this.onDrain();
    stream.respond(headers, options);
    // Not within `begin`: the handler has not yet seen it return.
    if (isTunnel) process.nextTick(() => this.startTunnel());
  }

  override write(chunk: Uint8Array): boolean {
    if (this.isEnded) return false;
    if (!this.isBegun) throw illegalCall('write', 'no response has begun');
    if (this.isGone) return false;
    const { output } = this;
    const size = chunk.length;
    if (size > 0 && this.framing !== Framing.NONE) {
      if (this.framing === Framing.LENGTH && size > this.remaining) {
        this.bytesOut += this.remaining;
        output.write(chunk.subarray(0, this.remaining));
        this.breakOff('the body is longer than its Content-Length');
        return false;
      }
      if (this.framing === Framing.LENGTH) this.remaining -= size;
      this.bytesOut += size;
      this.owner.watch.sent(size);
      output.write(chunk);
    }
    return !output.isFull;
  }

  override end(trailers?: Fields): void {
    if (this.isEnded) return;
    if (!this.isBegun) throw illegalCall('end', 'no response has begun');
    if (this.framing === Framing.LENGTH && this.remaining > 0) {
      this.breakOff(`the body lacks ${this.remaining} bytes of its Content-Length`);
      return;
    }
    if (trailers !== undefined && this.framing === Framing.CHUNKED) {
      this.trailers = {};
      if (!this.owner.responseFields.addTo(this.trailers, trailers)) {
        this.breakOff('a trailer field is illegal');
        return;
      }
    }
    if (!this.isGone && this.framing !== Framing.NONE) this.output.end();
    if (this.isTunnel) {
      this.isEnded = true;
      // One direction is closed; the other may take the time of a pause within a body.
      this.expectEnd(this.owner.bodyIdleTimeoutMs);
      return;
    }
    this.finish();
  }

  /** Ends the stream with an error code, without a word to the handler. */
  reset(code: number): void {
    const { stream } = this;
    const wasClosed = stream.closed;
    this.isReset = true;
    stream.close(code);
    // Only behind NO_ERROR the rest of the response is still sent; one that nobody takes is not waited for twice.
    if (wasClosed || code !== constants.NGHTTP2_NO_ERROR) stream.destroy();
  }

  /** The stream was reset behind its response, and not because of the application. */
  get wasReset(): boolean {
    return !this.isCut && this.stream.rstCode !== constants.NGHTTP2_NO_ERROR;
  }

  /** The client has sent FIN on this stream, or is on the way to it. */
  get hasWholeBody(): boolean {
    return this.body === undefined || this.body.isEnded;
  }

  /** Bytes of the request body that have arrived and wait for the listener. */
  get unreadBytes(): number {
    return this.body === undefined ? 0 : this.stream.readableLength;
  }

  get isBodyAwaited(): boolean {
    const isDue = !this.isEnded && !this.isTunnel && !this.hasWholeBody;
    // The time does not run while we do not read, nor while the client waits for 100.
    return isDue && this.body?.isPaused !== true && !this.isAwaitingContinue;
  }

  get waitingBytes(): number {
    return this.output.waitingBytes;
  }

  get sentBytes(): number {
    return this.output.progress;
  }

  // What the body calls.

  bodyArrived(bytes: number): void {
    this.bytesIn += bytes;
    this.owner.watch.received(bytes);
  }

  bodyEnded(): void {
    // A tunnel that is half closed: the other direction may take the time of a pause within a body.
    if (this.isTunnel && !this.isEnded) this.expectEnd(this.owner.bodyIdleTimeoutMs);
  }

  bodyUnwanted(): void {
    this.isRefusedBody = true;
    // RFC 9113 §8.1: NO_ERROR asks the client to stop; the response stays valid.
    if (this.isEnded) this.reset(constants.NGHTTP2_NO_ERROR);
    else this.stream.pause();
  }

  listenerFailed(error: unknown): void {
    this.owner.handlerFailed(this, error);
    this.abort(AbortReason.APPLICATION_ERROR);
  }

  protected override handlerFailed(error: unknown): void {
    this.owner.handlerFailed(this, error);
  }

  protected override refuseBody(): void {
    this.isRefusedBody = true;
  }

  protected override cut(reason: AbortReason): void {
    this.isCut = true;
    const isGivenUp = reason === AbortReason.CANCELLED;
    this.reset(isGivenUp ? constants.NGHTTP2_CANCEL : constants.NGHTTP2_INTERNAL_ERROR);
    this.owner.responseEnded(this);
  }

  private get isGone(): boolean {
    return this.stream.destroyed || this.stream.closed;
  }

  private expectEnd(pauseMs: number): void {
    this.watch.expectEnd(this, this.owner.deadlineIn(0), pauseMs);
  }

  /**
   * An upgrade that the handler does not take is answered in HTTP/1.1 with any status but 101. Here every 2xx means that
   * the tunnel is there (RFC 9110 §9.3.6, RFC 8441 §5), and the client would take the page that follows for frames.
   */
  private wouldOpenTunnel(status: number): boolean {
    return this.head.upgrade !== undefined && status >= 200 && status <= 299;
  }

  private startTunnel(): void {
    const { listener } = this;
    if (listener !== undefined && !this.isGone) this.body?.start(listener);
  }

  private onDrain(): void {
    if (this.isEnded) return;
    try {
      this.listener?.drain();
    } catch (error) {
      this.listenerFailed(error);
    }
  }

  private tellEnd(): void {
    try {
      this.listener?.end(undefined);
    } catch (error) {
      this.listenerFailed(error);
    }
  }

  private headersOf(status: number, fields: Fields): OutgoingHttpHeaders | undefined {
    const headers: OutgoingHttpHeaders = { ':status': status };
    const { responseFields } = this.owner;
    if (responseFields.addTo(headers, fields)) {
      responseFields.complete(headers);
      return headers;
    }
    this.refuseResponse('a response field is illegal');
    return undefined;
  }

  private finish(): void {
    this.isEnded = true;
    this.owner.responseEnded(this);
    if (this.hasWholeBody || this.isGone) return;
    // The rest of the body is read for a while: some clients take a reset for a failed request. What would have been a
    // tunnel has no rest.
    if (this.isRefusedBody || this.isAwaitingContinue || this.head.upgrade !== undefined)
      this.reset(constants.NGHTTP2_NO_ERROR);
    else {
      this.body?.swallow(SWALLOW_BYTES);
      this.expectEnd(SWALLOW_MS);
    }
  }
}

/** For an extended CONNECT to what speaks no other protocol. */
const NOT_UPGRADED = 501;
const END: ServerStreamResponseOptions = { endStream: true };
const OPEN: ServerStreamResponseOptions = {};
const WITH_TRAILERS: ServerStreamResponseOptions = { waitForTrailers: true };
const NO_TRAILERS: OutgoingHttpHeaders = {};

/** Most bytes of an unwanted request body that are read before the stream is reset. */
const SWALLOW_BYTES = 256 * 1024;
/** Longest time for that. */
const SWALLOW_MS = 2_000;
