/** An event stands for what has come together in this time, so that a flood of requests is no flood of lines. */
const INTERVAL_MS = 10_000;

/**
 * Decides when something that happens again and again is told: at once the first time, then at most every ten seconds,
 * with how often it was since. Holds no timer.
 */
export class SpacedEvents {
  readonly #seen = new Map<string, { toldAt: number; untold: number }>();

  /** It has happened so often more. Gives how often since it was told last, if it is to be told now. */
  count(key: string, times: number, now: number): number | undefined {
    const seen = this.#seen.get(key) ?? { toldAt: Number.NEGATIVE_INFINITY, untold: 0 };
    this.#seen.set(key, seen);
    const { untold, toldAt } = seen;
    const isTime = now - toldAt >= INTERVAL_MS;
    seen.untold = isTime ? 0 : untold + times;
    if (!isTime) return undefined;
    seen.toldAt = now;
    return untold + times;
  }

  /** Whatever begins so, will not come any more, or as the first time. */
  forget(beginning: string): void {
    for (const key of this.#seen.keys()) if (key.startsWith(beginning)) this.#seen.delete(key);
  }
}
