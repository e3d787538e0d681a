import { RateLimiter } from './limiter.js';

/**
 * The limiters of one rate limit, by key. Keys come from clients, so their number is bounded: limiters that are full
 * again are forgotten once a period, and beyond `maxKeys` the oldest one goes.
 */
export class RateLimiters {
  readonly #limit: number;
  readonly #periodMs: number;
  readonly #maxKeys: number;
  readonly #limiters = new Map<unknown, RateLimiter>();
  #sweepAtMs = Number.NEGATIVE_INFINITY;

  constructor(limit: number, periodMs: number, maxKeys: number) {
    this.#limit = limit;
    this.#periodMs = periodMs;
    this.#maxKeys = maxKeys;
  }

  get size(): number {
    return this.#limiters.size;
  }

  of(key: unknown, nowMs: number): RateLimiter {
    this.#sweep(nowMs);
    let limiter = this.#limiters.get(key);
    if (limiter === undefined) {
      if (this.#limiters.size >= this.#maxKeys) this.#forgetOldest();
      limiter = new RateLimiter(this.#limit, this.#periodMs, nowMs);
      this.#limiters.set(key, limiter);
    }
    return limiter;
  }

  #sweep(nowMs: number): void {
    this.#sweepAtMs = Math.min(this.#sweepAtMs, nowMs + this.#periodMs);
    if (nowMs < this.#sweepAtMs) return;
    this.#sweepAtMs = nowMs + this.#periodMs;
    for (const [key, limiter] of this.#limiters) if (nowMs >= limiter.refillAtMs) this.#limiters.delete(key);
  }

  #forgetOldest(): void {
    for (const key of this.#limiters.keys()) {
      this.#limiters.delete(key);
      return;
    }
  }
}
