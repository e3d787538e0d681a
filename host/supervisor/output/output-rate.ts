/** Bytes a second an instance may print for long, and what it may print at once. */
export const OUTPUT_BYTES_PER_SECOND = 1024 * 1024;
export const OUTPUT_BURST_BYTES = 4 * 1024 * 1024;

/**
 * Lets lines through up to a rate. What is beyond it is counted, and told with one line when output is let through
 * again. `now` is in milliseconds.
 */
export class OutputRate {
  readonly #now: () => number;
  #credit = OUTPUT_BURST_BYTES;
  #filledAt: number;
  #leftOut = 0;

  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#filledAt = now();
  }

  /** The lines to write for this line: none, itself, or a notice and itself. */
  pass(line: string): readonly string[] {
    this.#fill();
    // Once closed it opens again only when there is room for a while, else notices would be a flood of their own.
    const needed = this.#leftOut > 0 ? OUTPUT_BYTES_PER_SECOND / 2 : line.length + 1;
    if (this.#credit < needed) {
      this.#leftOut += 1;
      return [];
    }
    this.#credit -= line.length + 1;
    const notice = this.end();
    return notice === undefined ? [line] : [notice, line];
  }

  /** The notice that is still owed. */
  end(): string | undefined {
    if (this.#leftOut === 0) return undefined;
    const notice = `... ${this.#leftOut} lines left out: more than ${OUTPUT_BYTES_PER_SECOND} bytes a second`;
    this.#leftOut = 0;
    return notice;
  }

  #fill(): void {
    const now = this.#now();
    this.#credit = Math.min(
      OUTPUT_BURST_BYTES,
      this.#credit + ((now - this.#filledAt) / 1000) * OUTPUT_BYTES_PER_SECOND,
    );
    this.#filledAt = now;
  }
}
