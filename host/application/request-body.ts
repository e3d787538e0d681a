import { Readable } from 'node:stream';
import { AbortReason, type Exchange } from '../exchange/exchange.js';
import {
  BadRequestError,
  CallAbortedError,
  PayloadTooLargeError,
  RequestAlreadyConsumedError,
  RequestTimeoutError,
} from './http-errors.js';

/** How much may be received into memory when nothing else is said: 10 MiB. */
export const DEFAULT_MAX_RECEIVE_BYTES = 10 * 1024 * 1024;

/** How much of a body that nobody reads is taken and dropped, so that the connection can be used again. */
const MAX_DISCARDED_BYTES = 1024 * 1024;

/**
 * The body of one request on its way from the exchange to whoever receives it; owned by the call's `CallSignals`.
 * Holds at most the window of the exchange: credit is returned only for what was taken. Can be received once.
 */
export class RequestBody {
  readonly #exchange: Exchange;
  readonly #chunks: Buffer[] = [];
  #isClaimed = false;
  #isComplete: boolean;
  #error: Error | undefined;
  #wake: (() => void) | undefined;
  /** Bytes that may still be dropped; undefined while somebody may want the body. */
  #discardable: number | undefined;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    // A request for an upgrade has no body, and nobody tells its end: what follows belongs to the tunnel.
    this.#isComplete = exchange.head.bodyLength === 0 || exchange.head.upgrade !== undefined;
  }

  /** True once somebody has received it. */
  get isClaimed(): boolean {
    return this.#isClaimed;
  }

  /** The whole body. More than `maxBytes`: `PORTICO_PAYLOAD_TOO_LARGE` (413). */
  async readAll(maxBytes = DEFAULT_MAX_RECEIVE_BYTES): Promise<Buffer> {
    if (this.#exchange.head.bodyLength > maxBytes) throw new PayloadTooLargeError(maxBytes);
    this.#claim();
    const chunks: Buffer[] = [];
    let length = 0;
    for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) {
      length += chunk.length;
      if (length > maxBytes) throw new PayloadTooLargeError(maxBytes);
      chunks.push(chunk);
    }
    return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length);
  }

  /** The body as a stream of Node; destroying it drops the rest. */
  stream(): Readable {
    this.#claim();
    const stream: Readable = new Readable({
      read: () => {
        this.#next().then(
          (chunk) => stream.push(chunk ?? null),
          // As node:http does it: without a listener the error of a client must not end the process.
          (error: Error) => stream.destroy(stream.listenerCount('error') > 0 ? error : undefined),
        );
      },
      destroy: (error, done) => {
        this.discard();
        done(error);
      },
    });
    return stream;
  }

  /** Nobody wants the rest: it is dropped as it comes. */
  discard(): void {
    if (this.#discardable !== undefined) return;
    this.#discardable = MAX_DISCARDED_BYTES;
    for (const chunk of this.#chunks.splice(0)) this.#drop(chunk);
  }

  /** A chunk arrived. */
  push(chunk: Buffer): void {
    if (this.#discardable !== undefined) this.#drop(chunk);
    else this.#chunks.push(chunk);
    this.#wakeReader();
  }

  /** The body is complete. */
  complete(): void {
    this.#isComplete = true;
    this.#wakeReader();
  }

  /** The exchange is over before its time. */
  fail(reason: AbortReason): void {
    this.#error ??= errorOf(reason);
    this.#chunks.length = 0;
    this.#wakeReader();
  }

  #claim(): void {
    if (this.#isClaimed) throw new RequestAlreadyConsumedError();
    this.#isClaimed = true;
    // RFC 9110 §10.1.1: the client waits with the body until it is told that somebody wants it.
    if (this.#exchange.head.expectsContinue && !this.#exchange.isBegun) this.#exchange.interim(100, []);
  }

  async #next(): Promise<Buffer | undefined> {
    for (;;) {
      if (this.#error !== undefined) throw this.#error;
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#exchange.consumed(chunk.length);
        return chunk;
      }
      if (this.#isComplete || this.#discardable !== undefined) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #drop(chunk: Buffer): void {
    const left = (this.#discardable ?? 0) - chunk.length;
    this.#discardable = Math.max(0, left);
    if (left >= 0) this.#exchange.consumed(chunk.length);
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

function errorOf(reason: AbortReason): Error {
  if (reason === AbortReason.BODY_TOO_LARGE) return new PayloadTooLargeError();
  if (reason === AbortReason.BODY_TIMEOUT) return new RequestTimeoutError();
  if (reason === AbortReason.BAD_BODY) return new BadRequestError('The request body is malformed.');
  return new CallAbortedError(reason);
}
