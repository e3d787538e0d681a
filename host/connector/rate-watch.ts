/** What can be said of a client in one direction. */
export const Pace = {
  FAST_ENOUGH: 0,
  /** Not one byte for as long as a pause may last. */
  STOPPED: 1,
  /** Bytes, but fewer than the least rate asks for. */
  TOO_SLOW: 2,
} as const;
export type Pace = (typeof Pace)[keyof typeof Pace];

/**
 * Notices a client that is too slow in one direction: with the body that it sends, or in taking what is sent to it.
 *
 * It looks at a number of bytes that grows, in periods as long as a pause may last, one behind the other. Each period
 * has to bring the least rate. So a burst does not pay for a drip behind it, a drop does not buy another pause, and a
 * client that stops for a moment and then goes on at full speed is never cut.
 *
 * Only time that the client owes counts: whoever owns the watch calls `rest` when it is not the client's turn (nothing
 * is wanted of it, or nothing waits for it), and looks again when it is. Has no timer: the owner looks at each sweep,
 * and may make it as late as the first one that finds something to watch.
 */
export class RateWatch {
  private seen = 0;
  private seenAt = NEVER;
  private base = 0;
  private baseAt = 0;

  /**
   * `moved` is how many bytes the client has moved so far. `now` and `pauseMs` are milliseconds; a rate of 0 asks only
   * for any byte at all within `pauseMs`.
   */
  look(moved: number, now: number, pauseMs: number, bytesPerSecond: number): Pace {
    if (this.seenAt === NEVER) {
      this.seen = this.base = moved;
      this.seenAt = this.baseAt = now;
      return Pace.FAST_ENOUGH;
    }
    if (moved > this.seen) {
      this.seen = moved;
      this.seenAt = now;
    } else if (now - this.seenAt >= pauseMs) {
      return Pace.STOPPED;
    }
    const elapsedMs = now - this.baseAt;
    if (elapsedMs < pauseMs) return Pace.FAST_ENOUGH;
    if ((moved - this.base) * 1000 < bytesPerSecond * elapsedMs) return Pace.TOO_SLOW;
    this.base = moved;
    this.baseAt = now;
    return Pace.FAST_ENOUGH;
  }

  /** It is not the client's turn: what it owed until now is forgotten. */
  rest(): void {
    this.seenAt = NEVER;
  }
}

const NEVER = -1;
