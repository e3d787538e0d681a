import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ConnectorLimits } from '../../config/connector-limits.js';
import { resetSocket } from '../../connector/reset-socket.js';
import {
  closesConnection,
  isFinalStatus,
  lengthWithoutBody,
  mayHaveBody,
  statusOfAbort,
} from '../../connector/response-framing.js';
import { messageOf } from '../../errors.js';
import { AbortReason, type Exchange, type RequestListener } from '../../exchange/exchange.js';
import { illegalCall, illegalResponse, truncatedResponse } from '../../exchange/exchange-errors.js';
import type { Fields } from '../../http/field-block.js';
import { STATUS_PAGE_TYPE, statusPage } from '../../http/status-page.js';
import { AnswerFields } from './answer-fields.js';
import { type BodyReceiver, NodeRequestBody, SWALLOW_BYTES } from './node-request-body.js';
import type { NodeRequestHead } from './node-request-head.js';
import { type NodeResponseFields, nodeResponseFields, pairsOf } from './node-response-fields.js';
import { NodeTunnel } from './node-tunnel.js';
import { canWriteAnswer, writeAnswer } from './write-answer.js';
import { writeInterim } from './write-interim.js';

/** What an exchange needs of the engine. */
export interface NodeExchangeOwner {
  readonly limits: ConnectorLimits;
  readonly isDraining: boolean;
  /** Something is wrong with a response; for the log. */
  failed(exchange: NodeExchange, error: unknown): void;
  tunnelBegun(tunnel: NodeTunnel): void;
  tunnelEnded(tunnel: NodeTunnel): void;
}

/** The fields of the answer that is being sent: from the call of `read` until it is written. */
const SENT = new AnswerFields();

/**
 * One request and its response on `node:http`. Made by the engine for each request; its messages outlive it by what
 * Node still has to send. Answers to an upgrade request go through it as well; 101 hands the socket to a `NodeTunnel`.
 */
export class NodeExchange implements Exchange, BodyReceiver {
  readonly head: NodeRequestHead;
  isEnded = false;
  isBegun = false;
  attachment?: unknown;
  readonly #owner: NodeExchangeOwner;
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;
  /** Nobody but this engine has a hand in the messages. */
  readonly #isOwn: boolean;
  /** Bytes that came behind the head of an upgrade request. */
  readonly #firstBytes: Buffer | undefined;
  listener: RequestListener | undefined;
  #tunnel: NodeTunnel | undefined;
  /** Undefined when the request has none. */
  readonly #body: NodeRequestBody | undefined;
  #remaining = -1;
  #isBodyless = false;
  #hasContinued = false;
  #writeTimer: NodeJS.Timeout | undefined;

  constructor(
    owner: NodeExchangeOwner,
    head: NodeRequestHead,
    message: IncomingMessage,
    response: ServerResponse,
    isOwn: boolean,
    firstBytes?: Buffer,
  ) {
    this.#owner = owner;
    this.head = head;
    this.#message = message;
    this.#response = response;
    this.#isOwn = isOwn;
    this.#firstBytes = firstBytes;
    if (head.bodyLength !== 0) {
      const { bodyIdleTimeoutMs } = owner.limits;
      const isUpgrade = firstBytes !== undefined;
      const direct = isOwn && !isUpgrade ? head.bodyLength : 0;
      this.#body = new NodeRequestBody(this, message, response, bodyIdleTimeoutMs, direct, isUpgrade);
    }
  }

  /** Gives the exchange to its handler, then the body to whoever listened. */
  dispatch(handler: (exchange: Exchange) => void): void {
    try {
      handler(this);
    } catch (error) {
      this.#owner.failed(this, error);
      this.abort(AbortReason.APPLICATION_ERROR);
    }
    // What is over already needs nobody who hears of its end.
    if (!this.isEnded || !this.#isBodyComplete || this.#writeTimer !== undefined) this.#watch();
    if (this.head.upgrade !== undefined) return;
    if (this.#body === undefined) this.tell((listener) => listener.end(undefined));
    else if (this.listener !== undefined && !this.isEnded) this.#body.read();
    else this.#body.swallowRest();
  }

  listen(listener: RequestListener): void {
    this.listener = listener;
  }

  consumed(bytes: number): void {
    if (this.#tunnel !== undefined) {
      this.#tunnel.consumed(bytes);
      return;
    }
    this.#body?.consumed(bytes);
  }

  interim(status: number, fields: Fields): void {
    // RFC 9110 §15.2: HTTP/1.0 knows no interim responses.
    if (this.isBegun || this.isEnded || this.head.version === '1.0') return;
    if (status === 100) {
      if (!this.head.expectsContinue || this.#hasContinued) return;
      this.#hasContinued = true;
    }
    writeInterim(this.#response, status, fields);
  }

  respond(status: number, fields: Fields, body: string | Uint8Array | undefined): void {
    if (!this.#canBegin('respond', status, isFinalStatus(status))) return;
    const wrong = SENT.read(fields);
    if (wrong !== undefined) {
      this.#refuseResponse(wrong);
      return;
    }
    const hasBody = mayHaveBody(status, this.head.method);
    const size = body === undefined ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    const length = hasBody
      ? SENT.contentLength >= 0
        ? SENT.contentLength
        : size
      : lengthWithoutBody(status, SENT.contentLength, body === undefined ? -1 : size);
    if ((length === size || !hasBody) && this.#isOwn && canWriteAnswer(this.#response)) {
      const keepsAlive = this.#keepsAlive(SENT.asksClose) && (length >= 0 || this.head.version !== '1.0');
      this.isBegun = this.isEnded = true;
      writeAnswer(this.#response, {
        status,
        fields: SENT,
        length,
        keepsAlive,
        body: hasBody && size > 0 ? body : undefined,
      });
      this.#finished();
      return;
    }
    const sent = nodeResponseFields(fields, false);
    if (sent === undefined || !this.#writeHead(status, sent, length)) return;
    if (!hasBody || length === size) {
      this.#finish(hasBody && size > 0 ? body : undefined);
      return;
    }
    const bytes = Buffer.from(typeof body === 'string' ? body : (body ?? ''));
    if (size > 0) this.#response.write(bytes.subarray(0, length));
    this.#breakOff(`Content-Length is ${length}, the body has ${size} bytes`);
  }

  begin(status: number, fields: Fields): void {
    const isTunnel = status === 101;
    if (!this.#canBegin('begin', status, isTunnel || isFinalStatus(status))) return;
    if (isTunnel && this.head.upgrade === undefined) {
      this.#refuseResponse('status 101 answers a request that asked for no upgrade');
      return;
    }
    const sent = nodeResponseFields(fields, isTunnel);
    if (sent === undefined) {
      this.#refuseResponse('its Content-Length is no length');
      return;
    }
    if (isTunnel) {
      this.#openTunnel(sent.flat);
      return;
    }
    this.#isBodyless = !mayHaveBody(status, this.head.method);
    const length = this.#isBodyless ? lengthWithoutBody(status, sent.contentLength, -1) : sent.contentLength;
    if (!this.#writeHead(status, sent, length)) return;
    if (!this.#isBodyless) this.#remaining = length;
    // Node keeps the head for the first bytes of the body; a client may wait for the head alone.
    process.nextTick(() => {
      if (!this.isEnded) this.#response.flushHeaders();
    });
  }

  write(chunk: Uint8Array): boolean {
    if (this.isEnded) return false;
    if (!this.isBegun) throw illegalCall('write', 'no response has begun');
    if (this.#tunnel !== undefined) return this.#tunnel.write(chunk);
    if (this.#isBodyless || chunk.length === 0) return !this.#response.writableNeedDrain;
    if (this.#remaining >= 0) {
      if (chunk.length > this.#remaining) {
        this.#response.write(chunk.subarray(0, this.#remaining));
        this.#breakOff('the body is longer than its Content-Length');
        return false;
      }
      this.#remaining -= chunk.length;
    }
    const isWritable = this.#response.write(chunk);
    if (!isWritable) this.#awaitDrain();
    return isWritable;
  }

  end(trailers?: Fields): void {
    if (this.isEnded) return;
    if (!this.isBegun) throw illegalCall('end', 'no response has begun');
    if (this.#tunnel !== undefined) {
      this.isEnded = true;
      this.#tunnel.end();
      return;
    }
    if (this.#remaining > 0) {
      this.#breakOff(`the body lacks ${this.#remaining} bytes of its Content-Length`);
      return;
    }
    if (trailers !== undefined) {
      try {
        // Node takes pairs as well; its types know objects only.
        this.#response.addTrailers(pairsOf(trailers) as unknown as Record<string, string>);
      } catch (error) {
        this.#breakOff(`a trailer field is illegal: ${messageOf(error)}`);
        return;
      }
    }
    this.#finish();
  }

  abort(reason: AbortReason): void {
    if (this.isEnded) return;
    if (this.#tunnel !== undefined) {
      this.isEnded = true;
      this.#tunnel.destroy();
    } else if (reason === AbortReason.CANCELLED || this.isBegun) {
      this.#cut();
    } else {
      if (closesConnection(reason)) this.#response.shouldKeepAlive = false;
      const fields = ['Content-Type', STATUS_PAGE_TYPE];
      if (reason === AbortReason.REFUSED) fields.push('Retry-After', '1');
      this.respond(statusOfAbort(reason), fields, statusPage(statusOfAbort(reason)));
    }
  }

  // What the body of the request tells.

  tell(what: (listener: RequestListener) => void): void {
    const listener = this.listener;
    if (listener === undefined) return;
    try {
      what(listener);
    } catch (error) {
      this.#owner.failed(this, error);
      this.abort(AbortReason.APPLICATION_ERROR);
    }
  }

  bodyTimedOut(): void {
    this.abort(AbortReason.BODY_TIMEOUT);
    this.tell((listener) => listener.aborted(AbortReason.BODY_TIMEOUT));
    this.listener = undefined;
  }

  get #isBodyComplete(): boolean {
    return this.#body === undefined || this.#body.isComplete;
  }

  #canBegin(verb: string, status: number, isPossible: boolean): boolean {
    if (this.isBegun) throw illegalCall(verb, 'the response has begun already');
    if (this.isEnded) return false;
    if (isPossible) return true;
    this.#refuseResponse(`${String(status)} is not a final status`);
    return false;
  }

  /** Is the connection used again behind this response? Decided when its head is written. */
  #keepsAlive(asksClose: boolean): boolean {
    const { head } = this;
    if (asksClose || this.#owner.isDraining || !this.#response.shouldKeepAlive) return false;
    // RFC 9110 §10.1.1: whether the body comes that the client was not told to send is not known.
    if (head.expectsContinue && !this.#hasContinued) return false;
    // RFC 9112 §9.3: a body that is not worth swallowing ends the connection instead.
    return this.#isBodyComplete || head.bodyLength <= SWALLOW_BYTES;
  }

  #writeHead(status: number, { flat, asksClose }: NodeResponseFields, length: number): boolean {
    const response = this.#response;
    if (length >= 0) flat.push('Content-Length', String(length));
    if (!this.#keepsAlive(asksClose)) response.shouldKeepAlive = false;
    try {
      response.writeHead(status, flat);
    } catch (error) {
      this.#refuseResponse(`a response field is illegal: ${messageOf(error)}`);
      return false;
    }
    this.isBegun = true;
    return true;
  }

  #watch(): void {
    this.#response.on('close', () => this.#closed());
    this.#response.on('error', destroyResponse);
  }

  #finish(body?: string | Uint8Array): void {
    this.isEnded = true;
    this.#response.end(body);
    this.#finished();
  }

  /** Node has got all of the response. */
  #finished(): void {
    if (this.#response.writableLength > 0) this.#awaitDrain();
    if (this.#isBodyComplete) this.listener = undefined;
    else if (this.listener !== undefined) this.#body?.swallowRest();
  }

  #openTunnel(fields: string[]): void {
    const socket = this.#message.socket;
    const { upgrade = '' } = this.head;
    let tunnel: NodeTunnel;
    try {
      tunnel = new NodeTunnel(socket, this.#response, upgrade, fields);
    } catch (error) {
      this.#refuseResponse(`a response field is illegal: ${messageOf(error)}`);
      return;
    }
    this.isBegun = true;
    this.#tunnel = tunnel;
    this.#owner.tunnelBegun(tunnel);
    tunnel.open(
      this.#firstBytes ?? Buffer.alloc(0),
      () => this.listener,
      (isComplete) => {
        this.#owner.tunnelEnded(tunnel);
        const wasEnded = this.isEnded;
        this.isEnded = true;
        if (!(wasEnded && isComplete)) this.tell((listener) => listener.aborted(AbortReason.CANCELLED));
      },
    );
  }

  #awaitDrain(): void {
    if (this.#writeTimer !== undefined) return;
    this.#response.once('drain', () => this.#drained());
    this.#writeTimer = setTimeout(
      () => this.#message.socket.destroy(),
      this.#owner.limits.bodyIdleTimeoutMs,
    ).unref();
  }

  #drained(): void {
    clearTimeout(this.#writeTimer);
    this.#writeTimer = undefined;
    if (!this.isEnded) this.tell((listener) => listener.drain());
  }

  /** Node is done with the response, in order or because the client has gone. */
  #closed(): void {
    clearTimeout(this.#writeTimer);
    if (this.#tunnel !== undefined) return;
    if (!this.#response.writableFinished) this.#body?.over();
    if (this.isEnded) return;
    this.isEnded = true;
    this.tell((listener) => listener.aborted(AbortReason.CANCELLED));
  }

  #refuseResponse(what: string): void {
    this.#owner.failed(this, illegalResponse(this.head, what));
    this.abort(AbortReason.APPLICATION_ERROR);
    this.tell((listener) => listener.aborted(AbortReason.APPLICATION_ERROR));
  }

  /** The response has begun and turned out wrong. */
  #breakOff(what: string): void {
    this.#owner.failed(this, truncatedResponse(this.head, what));
    this.#cut();
    this.tell((listener) => listener.aborted(AbortReason.APPLICATION_ERROR));
  }

  /** Ends the connection so that the client sees that something is missing. */
  #cut(): void {
    this.isEnded = true;
    const { socket } = this.#response;
    if (socket === null || !this.isBegun) this.#response.destroy();
    // RFC 9112 §8: without length and chunks an orderly close would look complete.
    else if (this.#remaining < 0 && this.head.version === '1.0') resetSocket(socket);
    else {
      this.#response.flushHeaders();
      socket.destroySoon();
    }
  }
}

/** One function for all responses. What went wrong with the connection is told by `close`, which follows. */
function destroyResponse(this: ServerResponse): void {
  this.destroy();
}
