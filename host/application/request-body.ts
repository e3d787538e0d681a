import { Readable } from 'node:stream';
import { AbortReason, type Exchange } from '../exchange/exchange.js';
import { BodyCollector } from './body-collector.js';
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
 * The body of a request for whoever receives it: read as it comes, into memory or as a stream. It can be received
 * once. Plugins MAY put another body in its place, for example a decoded one; see `of`.
 */
export abstract class RequestBody {
  /** Bytes of the whole body; undefined when not known in advance. */
  readonly length: number | undefined;
  #isClaimed = false;

  protected constructor(length: number | undefined) {
    this.length = length;
  }

  /** A body that is made of other bytes; `length` when it is known. */
  static of(chunks: AsyncIterable<Uint8Array> | Uint8Array, length?: number): RequestBody {
    return chunks instanceof Uint8Array
      ? new ReplacedBody(once(chunks), chunks.length)
      : new ReplacedBody(chunks, length);
  }

  /** True once somebody has received it. */
  get isClaimed(): boolean {
    return this.#isClaimed;
  }

  /** The whole body. More than `maxBytes`: `PORTICO_PAYLOAD_TOO_LARGE` (413). */
  async readAll(maxBytes = DEFAULT_MAX_RECEIVE_BYTES): Promise<Buffer> {
    if (this.length !== undefined && this.length > maxBytes) throw new PayloadTooLargeError(maxBytes);
    this.#claim();
    return await this.collect(new BodyCollector(this.length), maxBytes);
  }

  /** The body as a stream of Node; destroying it drops the rest. */
  stream(): Readable {
    this.#claim();
    const stream: Readable = new Readable({
      read: () => {
        this.next().then(
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
  abstract discard(): void;
  /** The next bytes; undefined behind the last. */
  protected abstract next(): Promise<Buffer | undefined>;
  /** Reads everything into `collector`; rejects and drops the rest when it is more than `maxBytes`. */
  protected async collect(collector: BodyCollector, maxBytes: number): Promise<Buffer> {
    for (let chunk = await this.next(); chunk !== undefined; chunk = await this.next()) {
      collector.add(chunk);
      if (collector.size <= maxBytes) continue;
      this.discard();
      throw new PayloadTooLargeError(maxBytes);
    }
    return collector.take();
  }
  /** The body is about to be read. */
  protected begin(): void {
    return;
  }

  #claim(): void {
    if (this.#isClaimed) throw new RequestAlreadyConsumedError();
    this.#isClaimed = true;
    this.begin();
  }
}

/**
 * The body as it comes from the exchange; owned by the call's `CallSignals`. Holds at most the window of the exchange:
 * credit is returned only for what was taken.
 */
export class ExchangeBody extends RequestBody {
  readonly #exchange: Exchange;
  readonly #chunks: Buffer[] = [];
  #isComplete: boolean;
  #error: Error | undefined;
  #wake: (() => void) | undefined;
  /** Takes each chunk as it arrives, when the whole body is wanted in memory. */
  #collector: BodyCollector | undefined;
  #collectLimit = 0;
  /** Bytes that may still be dropped; undefined while somebody may want the body. */
  #discardable: number | undefined;

  constructor(exchange: Exchange) {
    const { bodyLength } = exchange.head;
    super(bodyLength < 0 ? undefined : bodyLength);
    this.#exchange = exchange;
    // A request for an upgrade has no body, and nobody tells its end: what follows belongs to the tunnel.
    this.#isComplete = bodyLength === 0 || exchange.head.upgrade !== undefined;
  }

  override discard(): void {
    if (this.#discardable !== undefined) return;
    this.#discardable = MAX_DISCARDED_BYTES;
    for (const chunk of this.#chunks.splice(0)) this.#drop(chunk);
  }

  /** A chunk arrived. True when nobody needs it any more. */
  push(chunk: Buffer): boolean {
    const collector = this.#collector;
    if (collector !== undefined && this.#discardable === undefined) {
      const isCopied = collector.add(chunk);
      this.#gathered(collector, chunk.length);
      return isCopied;
    }
    const isDropped = this.#discardable !== undefined;
    if (isDropped) this.#drop(chunk);
    else this.#chunks.push(chunk);
    this.#wakeReader();
    return isDropped;
  }

  /** Where the next chunk should be, see `RequestListener.room`. */
  get room(): Buffer | undefined {
    return this.#discardable === undefined ? this.#collector?.room : undefined;
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

  protected override begin(): void {
    // RFC 9110 §10.1.1: the client waits with the body until it is told that somebody wants it.
    if (this.#exchange.head.expectsContinue && !this.#exchange.isBegun) this.#exchange.interim(100, []);
  }

  /** As chunks arrive, without a promise for each; the promise here is of the end. */
  protected override async collect(collector: BodyCollector, maxBytes: number): Promise<Buffer> {
    for (const chunk of this.#chunks.splice(0)) collector.add(chunk);
    this.#collector = collector;
    this.#collectLimit = maxBytes;
    // Not before: the credit may bring the next chunk at once.
    this.#gathered(collector, collector.size);
    while (this.#error === undefined && !this.#isComplete && this.#discardable === undefined)
      await this.#woken();
    this.#collector = undefined;
    if (this.#error !== undefined) throw this.#error;
    if (collector.size > maxBytes) throw new PayloadTooLargeError(maxBytes);
    return collector.take();
  }

  protected override async next(): Promise<Buffer | undefined> {
    for (;;) {
      if (this.#error !== undefined) throw this.#error;
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#exchange.consumed(chunk.length);
        return chunk;
      }
      if (this.#isComplete || this.#discardable !== undefined) return undefined;
      await this.#woken();
    }
  }

  /** So many bytes have gone into the collector. */
  #gathered(collector: BodyCollector, bytes: number): void {
    if (bytes > 0) this.#exchange.consumed(bytes);
    if (collector.size <= this.#collectLimit) return;
    this.discard();
    this.#wakeReader();
  }

  /** Resolves when something has happened: a chunk, the end, an error. */
  #woken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
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

/** What a plugin has made of the body. */
class ReplacedBody extends RequestBody {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #isDiscarded = false;

  constructor(chunks: AsyncIterable<Uint8Array>, length: number | undefined) {
    super(length);
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  override discard(): void {
    if (this.#isDiscarded) return;
    this.#isDiscarded = true;
    // A source that cannot be stopped has nothing to tell anybody any more: its reader has gone.
    this.#chunks.return?.()?.then(undefined, () => undefined);
  }

  protected override async next(): Promise<Buffer | undefined> {
    if (this.#isDiscarded) return undefined;
    const { done, value } = await this.#chunks.next();
    if (done === true) return undefined;
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  }
}

async function* once(chunk: Uint8Array): AsyncGenerator<Uint8Array> {
  if (chunk.length > 0) yield chunk;
}

function errorOf(reason: AbortReason): Error {
  if (reason === AbortReason.BODY_TOO_LARGE) return new PayloadTooLargeError();
  if (reason === AbortReason.BODY_TIMEOUT) return new RequestTimeoutError();
  if (reason === AbortReason.BAD_BODY) return new BadRequestError('The request body is malformed.');
  return new CallAbortedError(reason);
}
