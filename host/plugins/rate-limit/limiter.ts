/** What one key may do: a number of tokens that is filled up again, all at once, at the end of each period. */
export class RateLimiter {
  readonly limit: number;
  readonly #periodMs: number;
  #left: number;
  #refillAtMs: number;

  constructor(limit: number, periodMs: number, nowMs: number) {
    this.limit = limit;
    this.#periodMs = periodMs;
    this.#left = limit;
    this.#refillAtMs = nowMs + periodMs;
  }

  /** Tokens that are left. */
  get left(): number {
    return this.#left;
  }

  /** When the tokens are filled up, in milliseconds since the epoch. */
  get refillAtMs(): number {
    return this.#refillAtMs;
  }

  /** Takes tokens; false, and none taken, when there are not enough. */
  take(tokens: number, nowMs: number): boolean {
    // When the clock was set back, nobody is locked out until it gets there again.
    this.#refillAtMs = Math.min(this.#refillAtMs, nowMs + this.#periodMs);
    if (nowMs >= this.#refillAtMs) {
      this.#left = this.limit;
      this.#refillAtMs = nowMs + this.#periodMs;
    }
    if (tokens > this.#left) return false;
    this.#left -= tokens;
    return true;
  }
}
