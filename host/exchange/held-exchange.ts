import type { FieldBlock, Fields } from '../http/field-block.js';
import { type AbortReason, type Exchange, type RequestListener, USED_UP } from './exchange.js';
import { WrappedExchange } from './wrapped-exchange.js';

/**
 * An exchange that waits for somebody to answer it. Until then it listens itself: what comes of the body is kept and not
 * confirmed, so no more of it comes than the window of the producer; and it knows when the client has gone. Whoever
 * answers gets what was kept, in order, and then everything as it comes.
 */
export class HeldExchange extends WrappedExchange {
  /** `performance.now()` when the waiting began; the same one in whatever lines it waits. */
  readonly since = performance.now();
  readonly #keeper: BodyKeeper;

  /** The same exchange, if it has waited before. */
  static of(exchange: Exchange): HeldExchange {
    return exchange instanceof HeldExchange ? exchange : new HeldExchange(exchange);
  }

  constructor(inner: Exchange) {
    super(inner);
    this.#keeper = new BodyKeeper(inner);
    inner.listen(this.#keeper);
  }

  /** Called when the client leaves before somebody listens; set by the line it waits in. */
  set onLeft(onLeft: (() => void) | undefined) {
    this.#keeper.onLeft = onLeft;
  }

  override listen(listener: RequestListener): void {
    this.#keeper.handTo(listener);
  }

  override respond(status: number, fields: Fields, body: string | Uint8Array | undefined): void {
    super.respond(status, fields, body);
    this.#keeper.dropUnheard();
  }

  override end(trailers?: Fields): void {
    super.end(trailers);
    this.#keeper.dropUnheard();
  }
}

/** Listens in the place of whoever will answer. */
class BodyKeeper implements RequestListener {
  onLeft: (() => void) | undefined;
  readonly #exchange: Exchange;
  #listener: RequestListener | undefined;
  #kept: Buffer[] = [];
  #end: { readonly trailers: FieldBlock | undefined } | undefined;
  /** Nothing is kept any more: what comes goes on, or away if nobody listens. */
  #isLive = false;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  handTo(listener: RequestListener): void {
    const isFirst = this.#listener === undefined;
    this.#listener = listener;
    // Not within this call: the listener is in the middle of something.
    if (isFirst) queueMicrotask(() => this.#replay());
  }

  data(chunk: Buffer): unknown {
    if (this.#isLive && this.#listener !== undefined) return this.#listener.data(chunk);
    if (this.#isLive) this.#exchange.consumed(chunk.length);
    // A copy: a few bytes may lie in a large piece of memory.
    else this.#kept.push(Buffer.from(chunk));
    return USED_UP;
  }

  room(): Buffer | undefined {
    return this.#isLive ? this.#listener?.room?.() : undefined;
  }

  end(trailers: FieldBlock | undefined): void {
    if (this.#isLive) this.#listener?.end(trailers);
    else this.#end = { trailers };
  }

  drain(): void {
    this.#listener?.drain();
  }

  aborted(reason: AbortReason): void {
    this.#isLive = true;
    this.#kept = [];
    if (this.#listener === undefined) this.onLeft?.();
    else this.#listener.aborted(reason);
  }

  /** Answered by somebody who did not want the body. */
  dropUnheard(): void {
    if (this.#listener !== undefined || this.#isLive) return;
    this.#isLive = true;
    for (const chunk of this.#kept) this.#exchange.consumed(chunk.length);
    this.#kept = [];
  }

  #replay(): void {
    // What comes while this is handed on stands behind it; a client that leaves meanwhile ends it.
    while (!this.#isLive) {
      const chunk = this.#kept.shift();
      if (chunk !== undefined) {
        this.#listener?.data(chunk);
        continue;
      }
      this.#isLive = true;
      if (this.#end !== undefined) this.#listener?.end(this.#end.trailers);
    }
  }
}
