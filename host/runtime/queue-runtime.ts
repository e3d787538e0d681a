import type { Exchange } from '../exchange/exchange.js';
import type { Mount, Runtime } from './mount.js';
import { UnavailableRuntime } from './unavailable-runtime.js';
import { type LineLimits, WaitingLine, type WaitingRequest } from './waiting-line.js';

/** What a context answers that cannot answer yet. */
export interface Unavailability {
  readonly reason: string;
  readonly retryAfterSeconds: number;
}

/**
 * A context that is about to answer: it starts, starts again, or is started by its first request. What comes until then
 * waits in a bounded line instead of being sent away. What does not fit, or has waited too long, gets the 503 of any
 * context that does not answer.
 *
 * Its successor in the mapping takes over what waits; see Mapping.
 */
export class QueueRuntime implements Runtime {
  readonly openExchanges = 0;
  readonly #unavailable: UnavailableRuntime;
  readonly #line: WaitingLine;
  #onWanted: (() => void) | undefined;

  /** `onWanted` is called once, by the first request. */
  constructor(unavailability: Unavailability, limits: LineLimits, onWanted: (() => void) | undefined) {
    this.#unavailable = new UnavailableRuntime(unavailability.reason, unavailability.retryAfterSeconds);
    this.#line = new WaitingLine(limits, ({ exchange }) => this.#unavailable.handle(exchange));
    this.#onWanted = onWanted;
  }

  handle(exchange: Exchange, mount: Mount, within: string): void {
    const onWanted = this.#onWanted;
    this.#onWanted = undefined;
    onWanted?.();
    if (this.#line.add(exchange, mount, within)) return;
    mount.counters.limit?.('queue-full');
    this.#unavailable.handle(exchange);
  }

  /** Everything that waits, oldest first, for the successor to answer. */
  release(): WaitingRequest[] {
    return this.#line.release();
  }

  /** Answers everything that waits: it has nothing to wait for any more. */
  giveUp(): void {
    for (const { exchange } of this.release()) this.#unavailable.handle(exchange);
  }

  retire(onIdle: () => void): void {
    setImmediate(onIdle);
  }

  revive(): void {
    // What waits is handed over before a runtime is retired, so there is nothing to undo.
  }
}
