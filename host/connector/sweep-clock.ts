/**
 * The clock of all deadlines of a listener: monotonic milliseconds, set at each sweep. It goes on by little when the
 * process has stood still (stopped, or its event loop blocked): what clients sent meanwhile has not been read yet, and
 * nobody is to be cut for it.
 */
export class SweepClock {
  now: number;
  private lookedAt: number;
  private readonly mostMs: number;

  /** Begins at `now`; `sweepMs`: time between two sweeps. */
  constructor(now: number, sweepMs: number) {
    this.mostMs = 2 * sweepMs;
    this.now = now;
    this.lookedAt = performance.now();
  }

  /** A sweep begins: gives its time. */
  tick(): number {
    const now = performance.now();
    this.now += Math.min(now - this.lookedAt, this.mostMs);
    this.lookedAt = now;
    return this.now;
  }

  /** Sweeping begins again behind a time without sweeps. */
  restart(): void {
    this.lookedAt = performance.now();
  }
}
