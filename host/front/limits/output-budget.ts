/** Somebody who has more to send than there was room for. */
export interface OutputWaiter {
  /** There is room again. One who needs more asks anew, and comes behind the others. */
  resume(): void;
}

/**
 * How much may be sent in a time, by all who share it. A chunk leaves as a whole as soon as there is any room; what it
 * was too large is waited for afterwards. So the rate holds over a second, not over each chunk. There is a timer only
 * while somebody waits.
 */
export class OutputBudget {
  #bytesPerMs = 0;
  #room = 0;
  #filledAt = performance.now();
  readonly #waiters = new Set<OutputWaiter>();
  #timer: NodeJS.Timeout | undefined;

  constructor(bytesPerSecond: number) {
    this.setRate(bytesPerSecond);
    this.#room = this.#most;
  }

  /** From now on. */
  setRate(bytesPerSecond: number): void {
    this.#fill();
    this.#bytesPerMs = bytesPerSecond / 1000;
  }

  get hasRoom(): boolean {
    this.#fill();
    return this.#room > 0;
  }

  spend(bytes: number): void {
    this.#room -= bytes;
  }

  wait(waiter: OutputWaiter): void {
    this.#waiters.add(waiter);
    this.#timer ??= setInterval(this.#serve, TICK_MS);
  }

  forget(waiter: OutputWaiter): void {
    this.#waiters.delete(waiter);
    this.#stopIfIdle();
  }

  /** What was not used in a tenth of a second is not saved for later. */
  get #most(): number {
    return this.#bytesPerMs * BURST_MS;
  }

  #fill(): void {
    const now = performance.now();
    this.#room = Math.min(this.#most, this.#room + (now - this.#filledAt) * this.#bytesPerMs);
    this.#filledAt = now;
  }

  readonly #serve = (): void => {
    // Those who ask anew meanwhile have to wait for the others.
    for (const waiter of [...this.#waiters]) {
      if (!this.hasRoom) return;
      if (this.#waiters.delete(waiter)) waiter.resume();
    }
    this.#stopIfIdle();
  };

  #stopIfIdle(): void {
    if (this.#waiters.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

const TICK_MS = 20;
const BURST_MS = 100;
