import { type AbortReason, type Exchange, type RequestListener, USED_UP } from '../../exchange/exchange.js';
import { WrappedExchange } from '../../exchange/wrapped-exchange.js';
import type { FieldBlock, Fields } from '../../http/field-block.js';
import type { OutputBudget, OutputWaiter } from './output-budget.js';

/**
 * An exchange whose response leaves no faster than a budget allows. What has to wait stays here; the handler is told to
 * stop, so it is no more than what a handler sends ahead. The request is as it is.
 */
export class PacedExchange extends WrappedExchange implements OutputWaiter {
  readonly #budget: OutputBudget;
  readonly #onHeld: () => void;
  readonly #relay: PacedListener;
  /** Called when there is room: the whole response, or undefined where it goes in parts. */
  #response: (() => void) | undefined;
  readonly #chunks: Uint8Array[] = [];
  #end: { readonly trailers: Fields | undefined } | undefined;
  #isBlocked = false;
  #wasHeld = false;

  /** `onHeld` is called once, when something has to wait. To be called synchronously inside the exchange handler. */
  constructor(inner: Exchange, budget: OutputBudget, onHeld: () => void) {
    super(inner);
    this.#budget = budget;
    this.#onHeld = onHeld;
    this.#relay = new PacedListener(
      inner,
      () => this.#drained(),
      () => this.#drop(),
    );
    inner.listen(this.#relay);
  }

  override get isBegun(): boolean {
    return this.#response !== undefined || super.isBegun;
  }

  override get isEnded(): boolean {
    return this.#response !== undefined || this.#end !== undefined || super.isEnded;
  }

  override listen(listener: RequestListener): void {
    this.#relay.listener = listener;
  }

  override respond(status: number, fields: Fields, body: string | Uint8Array | undefined): void {
    const bytes = body === undefined ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    if (bytes === 0 || this.#budget.hasRoom) {
      this.#budget.spend(bytes);
      super.respond(status, fields, body);
      return;
    }
    this.#response = () => {
      this.#budget.spend(bytes);
      super.respond(status, fields, body);
    };
    this.#hold();
  }

  override write(chunk: Uint8Array): boolean {
    if (this.isEnded) return false;
    if (this.#chunks.length === 0 && this.#budget.hasRoom) {
      this.#send(chunk);
      return !this.#isBlocked;
    }
    this.#chunks.push(chunk);
    if (this.#chunks.length === 1) this.#hold();
    return false;
  }

  override end(trailers?: Fields): void {
    if (this.isEnded) return;
    if (this.#chunks.length === 0) super.end(trailers);
    else this.#end = { trailers };
  }

  override abort(reason: AbortReason): void {
    this.#drop();
    super.abort(reason);
  }

  resume(): void {
    const response = this.#response;
    if (response !== undefined) {
      this.#response = undefined;
      response();
      return;
    }
    while (this.#chunks.length > 0) {
      if (this.#isBlocked) return;
      if (!this.#budget.hasRoom) {
        this.#hold();
        return;
      }
      this.#send(this.#chunks.shift() as Uint8Array);
    }
    if (this.#end !== undefined) super.end(this.#end.trailers);
    else if (!this.#isBlocked) this.#relay.listener?.drain();
  }

  #send(chunk: Uint8Array): void {
    this.#budget.spend(chunk.length);
    if (!super.write(chunk)) this.#isBlocked = true;
  }

  #drained(): void {
    this.#isBlocked = false;
    this.resume();
  }

  #hold(): void {
    this.#budget.wait(this);
    if (this.#wasHeld) return;
    this.#wasHeld = true;
    this.#onHeld();
  }

  /** Nothing can be sent any more. */
  #drop(): void {
    this.#budget.forget(this);
    this.#response = undefined;
    this.#chunks.length = 0;
  }
}

/** Stands before the listener of the handler, to hear of `drain` and `aborted` first. */
class PacedListener implements RequestListener {
  listener: RequestListener | undefined;
  readonly #exchange: Exchange;
  readonly #onDrain: () => void;
  readonly #onAborted: () => void;

  constructor(exchange: Exchange, onDrain: () => void, onAborted: () => void) {
    this.#exchange = exchange;
    this.#onDrain = onDrain;
    this.#onAborted = onAborted;
  }

  data(chunk: Buffer): unknown {
    if (this.listener !== undefined) return this.listener.data(chunk);
    this.#exchange.consumed(chunk.length);
    return USED_UP;
  }

  room(): Buffer | undefined {
    return this.listener?.room?.();
  }

  end(trailers: FieldBlock | undefined): void {
    this.listener?.end(trailers);
  }

  drain(): void {
    this.#onDrain();
  }

  aborted(reason: AbortReason): void {
    this.#onAborted();
    this.listener?.aborted(reason);
  }
}
