import type { AbortReason, Exchange, RequestHead, RequestListener } from '../../exchange/exchange.js';
import type { FieldBlock, Fields } from '../../http/field-block.js';

/**
 * An exchange that is answered later than its producer expects. What arrives meanwhile, one window of the body at most,
 * is kept, and given to the listener of its handler in the end.
 */
export class HeldExchange implements Exchange {
  readonly head: RequestHead;
  attachment?: unknown;
  readonly #exchange: Exchange;
  readonly #arrivals: Arrivals;

  /** MUST be made inside the handler of `exchange`. `onAbort`: the client has gone while it was held. */
  constructor(exchange: Exchange, onAbort: (held: HeldExchange) => void) {
    this.#exchange = exchange;
    this.head = exchange.head;
    this.#arrivals = new Arrivals(exchange, () => onAbort(this));
    exchange.listen(this.#arrivals);
  }

  /** Gives the exchange to its handler, then what has arrived to whoever listened. */
  release(handler: (exchange: Exchange) => void): void {
    if (this.#exchange.isEnded) return;
    handler(this);
    this.#arrivals.release();
  }

  get isEnded(): boolean {
    return this.#exchange.isEnded;
  }

  get isBegun(): boolean {
    return this.#exchange.isBegun;
  }

  listen(listener: RequestListener): void {
    this.#arrivals.listener = listener;
  }

  consumed(bytes: number): void {
    this.#exchange.consumed(bytes);
  }

  interim(status: number, fields: Fields): void {
    this.#exchange.interim(status, fields);
  }

  respond(status: number, fields: Fields, body: string | Uint8Array | undefined): void {
    this.#exchange.respond(status, fields, body);
  }

  begin(status: number, fields: Fields): void {
    this.#exchange.begin(status, fields);
  }

  write(chunk: Uint8Array): boolean {
    return this.#exchange.write(chunk);
  }

  end(trailers?: Fields): void {
    this.#exchange.end(trailers);
  }

  abort(reason: AbortReason): void {
    this.#exchange.abort(reason);
  }
}

/** Listens in the place of whoever will answer, later for them. */
class Arrivals implements RequestListener {
  listener: RequestListener | undefined;
  readonly #exchange: Exchange;
  readonly #chunks: Buffer[] = [];
  #end: { readonly trailers: FieldBlock | undefined } | undefined;
  #isReleased = false;
  readonly #onAbort: () => void;

  constructor(exchange: Exchange, onAbort: () => void) {
    this.#exchange = exchange;
    this.#onAbort = onAbort;
  }

  release(): void {
    this.#isReleased = true;
    for (const chunk of this.#chunks.splice(0)) this.data(chunk);
    if (this.#end !== undefined) this.listener?.end(this.#end.trailers);
  }

  data(chunk: Buffer): void {
    if (!this.#isReleased) this.#chunks.push(chunk);
    else if (this.listener === undefined) this.#exchange.consumed(chunk.length);
    else this.listener.data(chunk);
  }

  end(trailers: FieldBlock | undefined): void {
    if (this.#isReleased) this.listener?.end(trailers);
    else this.#end = { trailers };
  }

  drain(): void {
    this.listener?.drain();
  }

  aborted(reason: AbortReason): void {
    if (this.#isReleased) this.listener?.aborted(reason);
    else this.#onAbort();
  }
}
