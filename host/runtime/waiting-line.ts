import type { Exchange } from '../exchange/exchange.js';
import { HeldExchange } from '../exchange/held-exchange.js';
import type { Mount } from './mount.js';

/** How many requests wait, and how long. */
export interface LineLimits {
  /** Requests; a further one does not wait. */
  readonly size: number;
  /** From its arrival on, whatever lines it has waited in; then it is given back. */
  readonly timeoutMs: number;
}

/** A request that waits, and what its runtime was given with it. */
export interface WaitingRequest {
  readonly exchange: HeldExchange;
  readonly mount: Mount;
  /** As for `Runtime.handle`. */
  readonly within: string;
}

/**
 * Requests that wait for the same thing, in the order they came. One whose client goes away leaves the line; one that
 * has waited too long is given back to the owner, who answers it. There is one timer for all of them.
 */
export class WaitingLine {
  limits: LineLimits;
  readonly #onLate: (request: WaitingRequest) => void;
  readonly #requests = new Set<WaitingRequest>();
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: LineLimits, onLate: (request: WaitingRequest) => void) {
    this.limits = limits;
    this.#onLate = onLate;
  }

  get size(): number {
    return this.#requests.size;
  }

  /** False: the line is full, and the exchange as it was. */
  add(exchange: Exchange, mount: Mount, within: string): boolean {
    if (this.#requests.size >= this.limits.size) return false;
    const held = HeldExchange.of(exchange);
    const request: WaitingRequest = { exchange: held, mount, within };
    held.onLeft = () => this.#remove(request);
    this.#requests.add(request);
    mount.counters.queue?.(1);
    this.#timer ??= this.#timerFor(request);
    return true;
  }

  /** The one that has been here longest; it waits no longer. */
  shift(): WaitingRequest | undefined {
    const [first] = this.#requests;
    if (first !== undefined) this.#remove(first);
    return first;
  }

  /** All of them; none waits any longer. */
  release(): WaitingRequest[] {
    const all = [...this.#requests];
    for (const request of all) this.#remove(request);
    return all;
  }

  #remove(request: WaitingRequest): void {
    if (!this.#requests.delete(request)) return;
    request.exchange.onLeft = undefined;
    request.mount.counters.queue?.(-1);
    if (this.#requests.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** The time of those behind it is up later; it is looked at then. */
  #timerFor({ exchange }: WaitingRequest): NodeJS.Timeout {
    const leftMs = exchange.since + this.limits.timeoutMs - performance.now();
    return setTimeout(() => this.#giveBackLate(), Math.max(0, leftMs));
  }

  #giveBackLate(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const request of this.#requests) {
      if (now < request.exchange.since + this.limits.timeoutMs - EARLY_MS) {
        this.#timer = this.#timerFor(request);
        return;
      }
      this.#remove(request);
      request.mount.counters.limit?.('queue-timeout');
      this.#onLate(request);
    }
  }
}

/** Timers may fire so much before their time. */
const EARLY_MS = 2;
