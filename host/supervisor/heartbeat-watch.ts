/**
 * Notices that a process has stopped reporting: its event loop is blocked, or the process is. The clock is monotonic.
 * When this process itself did not run for a while (suspended, or its own loop was blocked), nothing can be said
 * about the other one, and the wait begins anew.
 */
export class HeartbeatWatch {
  readonly #timeoutMs: number;
  readonly #intervalMs: number;
  readonly #timer: NodeJS.Timeout;
  #lastBeat = performance.now();
  #lastCheck = performance.now();

  /** Calls `missed` once when no beat came for `timeoutMs`; within a fifth of that time. */
  constructor(timeoutMs: number, missed: () => void) {
    this.#timeoutMs = timeoutMs;
    this.#intervalMs = Math.max(10, timeoutMs / 5);
    this.#timer = setInterval(() => {
      if (!this.#isMissed()) return;
      this.stop();
      missed();
    }, this.#intervalMs);
  }

  beat(): void {
    this.#lastBeat = performance.now();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #isMissed(): boolean {
    const now = performance.now();
    if (now - this.#lastCheck > 3 * this.#intervalMs) this.#lastBeat = now;
    this.#lastCheck = now;
    return now - this.#lastBeat > this.#timeoutMs;
  }
}
