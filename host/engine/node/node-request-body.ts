import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { BODY_WINDOW_BYTES } from '../../connector/http1-exchange.js';
import type { RequestListener } from '../../exchange/exchange.js';
import { FieldBlock } from '../../http/field-block.js';
import { DirectInput, type DirectReceiver } from './direct-input.js';

/** Who hears of the body. */
export interface BodyReceiver {
  /** The response is over: nobody hears of the body any more. */
  readonly isEnded: boolean;
  readonly listener: RequestListener | undefined;
  /** Tells the listener, if there is one; what it throws ends the request. */
  tell(what: (listener: RequestListener) => void): void;
  /** No byte came in time; the response is not over yet. */
  bodyTimedOut(): void;
}

/** How much of a body that nobody wants is swallowed, so that the connection can be used again. */
export const SWALLOW_BYTES = 1024 * 1024;

/** With less left of it a body is not read directly. */
const DIRECT_BYTES = 128 * 1024;
const LEAST_ROOM_BYTES = 16 * 1024;

/**
 * The body of one request on `node:http`: read as far as credit was given, then swallowed when nobody wants it. Made by
 * the exchange of a request that has one, and outlives it by what is swallowed.
 */
export class NodeRequestBody implements DirectReceiver {
  /** All of it has come, or no more of it will. */
  isComplete: boolean;
  readonly #receiver: BodyReceiver;
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;
  /** Milliseconds. */
  readonly #idleTimeoutMs: number;
  #credit = BODY_WINDOW_BYTES;
  /** Bytes that may still be swallowed; undefined while somebody takes the body. */
  #swallow: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Bytes that have not come yet; without a length, or when they cannot be read directly, 0. */
  #remaining: number;
  /** What comes is read past the parser of Node. */
  #isDirect = false;

  /** `length`: bytes that may be read past the parser of Node, 0 or less: none. */
  constructor(
    receiver: BodyReceiver,
    message: IncomingMessage,
    response: ServerResponse,
    idleTimeoutMs: number,
    length: number,
    isComplete: boolean,
  ) {
    this.#remaining = length;
    this.#receiver = receiver;
    this.#message = message;
    this.#response = response;
    this.#idleTimeoutMs = idleTimeoutMs;
    this.isComplete = isComplete;
  }

  /** Begins to read. */
  read(): void {
    const message = this.#message;
    this.#await();
    message.on('data', (chunk: Buffer) => this.#onPiece(chunk));
    message.on('end', () => this.#onEnd());
    // Ends before its time: `close` of the response follows and tells the listener.
    message.on('error', () => this.over());
  }

  /** So many bytes were taken; as many more may come. */
  consumed(bytes: number): void {
    this.#credit = Math.min(this.#credit + bytes, BODY_WINDOW_BYTES);
    if (this.#credit > 0 && !this.isComplete && this.#source.isPaused()) {
      this.#source.resume();
      this.#await();
    }
  }

  /** Of a body that is read directly. */
  get remaining(): number {
    return this.#remaining;
  }

  /** Never beyond the credit, and nothing so small that the read costs more than a copy. */
  get room(): Buffer | undefined {
    const most = Math.min(this.#credit, this.#remaining);
    if (most < LEAST_ROOM_BYTES || this.#swallow !== undefined) return undefined;
    const room = this.#receiver.listener?.room?.();
    if (room === undefined || room.length < LEAST_ROOM_BYTES) return undefined;
    return room.length <= most ? room : room.subarray(0, most);
  }

  take(chunk: Buffer): void {
    this.#remaining -= chunk.length;
    this.#onData(chunk);
  }

  /** Nobody wants the rest of the body. */
  swallowRest(): void {
    if (this.isComplete || this.#swallow !== undefined) return;
    this.#swallow = SWALLOW_BYTES;
    if (this.#message.listenerCount('data') === 0) this.read();
    this.#source.resume();
    this.#await();
  }

  /** No more of it comes. */
  over(): void {
    this.isComplete = true;
    clearTimeout(this.#timer);
  }

  /** What is paused and resumed. */
  get #source(): IncomingMessage | Socket {
    return this.#isDirect ? this.#message.socket : this.#message;
  }

  /** The parser of Node gives a copy of a piece. */
  #onPiece(chunk: Buffer): void {
    // What is read directly has been taken already, should another version of Node copy it all the same.
    if (this.#isDirect) return;
    this.#remaining -= chunk.length;
    this.#onData(chunk);
    const message = this.#message;
    // Worth while for what is wanted in one piece, and possible when Node has nothing of it left.
    if (this.#remaining < DIRECT_BYTES || this.room === undefined) return;
    if (message.readableLength > 0 || message.isPaused()) return;
    this.#isDirect = DirectInput.begin(message.socket, this);
  }

  #onData(chunk: Buffer): void {
    if (this.#swallow !== undefined) {
      this.#swallow -= chunk.length;
      if (this.#swallow < 0) this.#closeBehindAnswers();
      return;
    }
    this.#credit -= chunk.length;
    // Behind the last byte the socket has other requests to read.
    if (this.#credit <= 0 && !(this.#isDirect && this.#remaining === 0)) {
      this.#source.pause();
      clearTimeout(this.#timer);
    } else this.#timer?.refresh();
    this.#receiver.tell((listener) => listener.data(chunk));
  }

  #onEnd(): void {
    this.over();
    if (this.#swallow !== undefined) return;
    const { rawTrailers } = this.#message;
    const trailers = rawTrailers.length === 0 ? undefined : FieldBlock.of(rawTrailers);
    this.#receiver.tell((listener) => listener.end(trailers));
  }

  #await(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#swallow !== undefined || this.#receiver.isEnded) this.#closeBehindAnswers();
      else this.#receiver.bodyTimedOut();
    }, this.#idleTimeoutMs).unref();
  }

  /**
   * Too much is left of the body, or it does not come: the connection cannot be used again. Answers to requests before
   * this one may still be awaited; they and this one go out first (RFC 9112 §9.3.2).
   */
  #closeBehindAnswers(): void {
    clearTimeout(this.#timer);
    const { socket } = this.#message;
    if (this.#response.writableFinished) {
      socket.destroySoon();
      return;
    }
    this.#source.pause();
    this.#response.once('close', () => socket.destroySoon());
  }
}
