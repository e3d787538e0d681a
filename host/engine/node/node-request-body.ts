import type { IncomingMessage, ServerResponse } from 'node:http';
import { BODY_WINDOW_BYTES } from '../../connector/http1-exchange.js';
import { FieldBlock } from '../../http/field-block.js';

/** Who hears of the body. */
export interface BodyReceiver {
  /** The response is over: nobody hears of the body any more. */
  readonly isEnded: boolean;
  bodyData(chunk: Buffer): void;
  bodyEnd(trailers: FieldBlock | undefined): void;
  /** No byte came in time; the response is not over yet. */
  bodyTimedOut(): void;
}

/** How much of a body that nobody wants is swallowed, so that the connection can be used again. */
export const SWALLOW_BYTES = 1024 * 1024;

/**
 * The body of one request on `node:http`: read as far as credit was given, then swallowed when nobody wants it. Made by
 * the exchange of a request that has one, and outlives it by what is swallowed.
 */
export class NodeRequestBody {
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

  constructor(
    receiver: BodyReceiver,
    message: IncomingMessage,
    response: ServerResponse,
    idleTimeoutMs: number,
    isComplete: boolean,
  ) {
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
    message.on('data', (chunk: Buffer) => this.#onData(chunk));
    message.on('end', () => this.#onEnd());
    // Ends before its time: `close` of the response follows and tells the listener.
    message.on('error', () => this.over());
  }

  /** So many bytes were taken; as many more may come. */
  consumed(bytes: number): void {
    this.#credit = Math.min(this.#credit + bytes, BODY_WINDOW_BYTES);
    if (this.#credit > 0 && !this.isComplete && this.#message.isPaused()) {
      this.#message.resume();
      this.#await();
    }
  }

  /** Nobody wants the rest of the body. */
  swallowRest(): void {
    if (this.isComplete || this.#swallow !== undefined) return;
    this.#swallow = SWALLOW_BYTES;
    if (this.#message.listenerCount('data') === 0) this.read();
    this.#message.resume();
    this.#await();
  }

  /** No more of it comes. */
  over(): void {
    this.isComplete = true;
    clearTimeout(this.#timer);
  }

  #onData(chunk: Buffer): void {
    if (this.#swallow !== undefined) {
      this.#swallow -= chunk.length;
      if (this.#swallow < 0) this.#closeBehindAnswers();
      return;
    }
    this.#credit -= chunk.length;
    if (this.#credit <= 0) {
      this.#message.pause();
      clearTimeout(this.#timer);
    } else this.#timer?.refresh();
    this.#receiver.bodyData(chunk);
  }

  #onEnd(): void {
    this.over();
    if (this.#swallow !== undefined) return;
    const { rawTrailers } = this.#message;
    this.#receiver.bodyEnd(rawTrailers.length === 0 ? undefined : FieldBlock.of(rawTrailers));
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
    this.#message.pause();
    this.#response.once('close', () => socket.destroySoon());
  }
}
