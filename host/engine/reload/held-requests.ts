import { AbortReason, type Exchange } from '../../exchange/exchange.js';
import { HeldExchange } from '../../exchange/held-exchange.js';

/** Requests that wait for one reload; the next gets 503. */
export const MAX_HELD_REQUESTS = 200;
/** Longest wait; then 503. Longer than the modules may take by default. */
const MAX_HELD_MS = 30_000;

/** Requests that came while an application is reloaded. Bounded in number and time. Owned by the engine. */
export class HeldRequests {
  readonly #held = new Set<HeldExchange>();
  #timer: NodeJS.Timeout | undefined;

  /** MUST be called inside the handler of the exchange. */
  hold(exchange: Exchange): void {
    if (this.#held.size >= MAX_HELD_REQUESTS) {
      exchange.abort(AbortReason.REFUSED);
      return;
    }
    const held = HeldExchange.of(exchange);
    held.onLeft = () => this.#held.delete(held);
    this.#held.add(held);
    this.#timer ??= setTimeout(() => this.release((late) => late.abort(AbortReason.REFUSED)), MAX_HELD_MS);
  }

  /** Answers all of them, in the order they came. */
  release(handler: (exchange: Exchange) => void): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const held = [...this.#held];
    this.#held.clear();
    for (const exchange of held) if (!exchange.isEnded) handler(exchange);
  }
}
