import type { AbortReason, Exchange, RequestListener } from '../exchange/exchange.js';
import type { FieldBlock } from '../http/field-block.js';
import type { Runtime } from './mount.js';
import { UnavailableRuntime } from './unavailable-runtime.js';

/** What an unavailable context answers. */
export interface Unavailability {
  readonly reason: string;
  readonly retryAfterSeconds: number;
}

/**
 * A context that is started by its first request. That request, and those that come until the application is up, wait
 * for it instead of being sent away: so many, so long, and only requests without a body, since a body would have to be
 * kept somewhere. All others get the 503 of any unavailable context.
 *
 * Its successor in the mapping takes over what waits; see Mapping.
 */
export class LazyRuntime implements Runtime {
  readonly openExchanges = 0;
  readonly #unavailable: UnavailableRuntime;
  readonly #waiting = new Set<WaitingRequest>();
  #onWanted: (() => void) | undefined;
  #isHolding: boolean;
  #timer: NodeJS.Timeout | undefined;

  /**
   * `onWanted` is called once, by the first request. Without it this is a context that is starting: it lets requests
   * wait only if it takes over others that do, or if it `holds`.
   */
  constructor(unavailability: Unavailability, onWanted: (() => void) | undefined, holds = false) {
    this.#unavailable = new UnavailableRuntime(unavailability.reason, unavailability.retryAfterSeconds);
    this.#onWanted = onWanted;
    this.#isHolding = holds || onWanted !== undefined;
  }

  handle(exchange: Exchange): void {
    const onWanted = this.#onWanted;
    this.#onWanted = undefined;
    onWanted?.();
    const { bodyLength, upgrade } = exchange.head;
    const mayWait = this.#isHolding && bodyLength === 0 && upgrade === undefined;
    if (!mayWait || this.#waiting.size >= MAX_WAITING) {
      this.#unavailable.handle(exchange);
      return;
    }
    this.#waiting.add(new WaitingRequest(exchange, this.#waiting));
    this.#timer ??= setTimeout(() => this.#giveUp(), MAX_WAIT_MS);
  }

  /** Everything that waits, for the successor to answer. */
  release(): Exchange[] {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const exchanges = Array.from(this.#waiting, (waiting) => waiting.exchange);
    this.#waiting.clear();
    return exchanges;
  }

  /** Goes on holding what the predecessor held. */
  adopt(exchanges: readonly Exchange[]): void {
    if (exchanges.length > 0) this.#isHolding = true;
    for (const exchange of exchanges) this.handle(exchange);
  }

  retire(onIdle: () => void): void {
    setImmediate(onIdle);
  }

  revive(): void {
    // What waits is handed over before a runtime is retired, so there is nothing to undo.
  }

  #giveUp(): void {
    for (const exchange of this.release()) this.#unavailable.handle(exchange);
  }
}

/** Listens in the place of whoever will answer, to notice that the client has gone. */
class WaitingRequest implements RequestListener {
  readonly exchange: Exchange;
  readonly #waiting: Set<WaitingRequest>;

  constructor(exchange: Exchange, waiting: Set<WaitingRequest>) {
    this.exchange = exchange;
    this.#waiting = waiting;
    exchange.listen(this);
  }

  data(chunk: Buffer): void {
    this.exchange.consumed(chunk.length);
  }

  end(_trailers: FieldBlock | undefined): void {
    // There is no body; its end tells nothing.
  }

  drain(): void {
    // Nothing has been written that could have been too much.
  }

  aborted(_reason: AbortReason): void {
    this.#waiting.delete(this);
  }
}

/** Requests of one context that wait. */
const MAX_WAITING = 200;
/** The default start timeout of an application; after it a request is better answered than kept. */
const MAX_WAIT_MS = 30_000;
