import { type AbortReason, type Exchange, type RequestListener, USED_UP } from '../exchange/exchange.js';
import type { FieldBlock } from '../http/field-block.js';
import { CallAbortedError } from './http-errors.js';
import { ExchangeBody } from './request-body.js';

/**
 * Takes over body and signals of one exchange. Made only for calls that need it: those that read a body, stream an
 * answer, ask for `call.signal`, or are not answered when the engine's handler returns. A call that is answered at
 * once without reading has none, which is the cheap case.
 */
export class CallSignals implements RequestListener {
  readonly body: ExchangeBody;
  readonly #exchange: Exchange;
  #writable: (() => void) | undefined;
  #aborted: AbortReason | undefined;
  #tunnel: RequestListener | undefined;
  readonly #abortHandlers: ((error: CallAbortedError) => void)[] = [];

  /** MUST be made while the engine's handler is on the stack: `Exchange.listen` allows nothing later. */
  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    this.body = new ExchangeBody(exchange);
    exchange.listen(this);
  }

  get isAborted(): boolean {
    return this.#aborted !== undefined;
  }

  /** Runs `handler` when the exchange is given up; at once when it already is. Handlers MUST NOT throw. */
  onAbort(handler: (error: CallAbortedError) => void): void {
    if (this.#aborted === undefined) this.#abortHandlers.push(handler);
    else handler(new CallAbortedError(this.#aborted));
  }

  /** Resolves when `Exchange.write` may be called again; also when the exchange is given up. */
  whenWritable(): Promise<void> {
    if (this.#aborted !== undefined || this.#exchange.isEnded) return Promise.resolve();
    return new Promise((resolve) => {
      this.#writable = resolve;
    });
  }

  /** The exchange is answered with 101: from here on its bytes, drains and end are those of a tunnel. */
  tunnelTo(listener: RequestListener): void {
    this.#tunnel = listener;
  }

  data(chunk: Buffer): unknown {
    if (this.#tunnel !== undefined) return this.#tunnel.data(chunk);
    return this.body.push(chunk) ? USED_UP : undefined;
  }

  room(): Buffer | undefined {
    return this.#tunnel === undefined ? this.body.room : undefined;
  }

  end(trailers: FieldBlock | undefined): void {
    if (this.#tunnel === undefined) this.body.complete();
    else this.#tunnel.end(trailers);
  }

  drain(): void {
    this.#tunnel?.drain();
    const writable = this.#writable;
    this.#writable = undefined;
    writable?.();
  }

  aborted(reason: AbortReason): void {
    this.#aborted = reason;
    this.body.fail(reason);
    this.#tunnel?.aborted(reason);
    this.drain();
    const error = new CallAbortedError(reason);
    for (const handler of this.#abortHandlers.splice(0)) handler(error);
  }
}
