import type { Prepared, Version } from '../version.js';

/**
 * Times at which versions that crashed too often are tried once more. Owned by what serves a context; owns its timers.
 */
export class Trials {
  readonly #timers = new Map<Version, NodeJS.Timeout>();
  readonly #try: (version: Version, prepared: Prepared) => void;

  /** `tryAgain` is called when the time has come, and decides whether there still is anything to try. */
  constructor(tryAgain: (version: Version, prepared: Prepared) => void) {
    this.#try = tryAgain;
  }

  /** In the place of what was planned for the version before. */
  plan(version: Version, prepared: Prepared, delayMs: number): void {
    clearTimeout(this.#timers.get(version));
    version.retryAt = new Date(Date.now() + delayMs).toISOString();
    const timer = setTimeout(() => {
      this.#timers.delete(version);
      version.retryAt = undefined;
      this.#try(version, prepared);
    }, delayMs);
    timer.unref();
    this.#timers.set(version, timer);
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }
}
