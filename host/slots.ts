/**
 * At most so many at a time; the others wait in the order in which they came. With `handOnAfterMs`, what takes longer
 * goes on and gives its slot away: it waits rather than works, and must not hold up the others.
 */
export class Slots {
  #free: number;
  readonly #handOnAfterMs: number | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(count: number, handOnAfterMs?: number) {
    this.#free = Math.max(1, count);
    this.#handOnAfterMs = handOnAfterMs;
  }

  /** Runs `task` as soon as a slot is free; rejects with the reason of `signal` when that comes first. */
  async run<Result>(task: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#turn(signal);
    let isHeld = true;
    const handOn = (): void => {
      if (isHeld) this.#handOn();
      isHeld = false;
    };
    const timer =
      this.#handOnAfterMs === undefined ? undefined : setTimeout(handOn, this.#handOnAfterMs).unref();
    try {
      return await task();
    } finally {
      clearTimeout(timer);
      handOn();
    }
  }

  #handOn(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#free++;
    else next();
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const mine = () => {
        this.#waiting.delete(mine);
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        this.#waiting.delete(mine);
        reject(signal.reason);
      };
      this.#waiting.add(mine);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }
}
