/** Sends bytes in order, and knows how many have left. */
export interface SendLine {
  /** Bytes that were ever given to the line. */
  readonly givenBytes: number;
  /** Bytes that the system has taken, of all that were given. */
  readonly sentBytes: number;
}

/**
 * Answer of a listener to body bytes: they are on their way, and nobody needs their memory once `hasLeft` is true. It
 * says nothing that could be forgotten or said twice: a line that never sends them never says so, and the memory is
 * garbage in the end.
 */
export class SendMark {
  readonly #line: SendLine;
  /** They have left when so many bytes were sent. Not known while they wait in front of the line. */
  #position = Number.POSITIVE_INFINITY;

  private constructor(line: SendLine) {
    this.#line = line;
  }

  /** Of bytes that the line has got. */
  static given(line: SendLine): SendMark {
    const mark = new SendMark(line);
    mark.reachLine();
    return mark;
  }

  /** Of bytes that wait; whoever has them calls `reachLine` when the last of them was given to the line or dropped. */
  static waiting(line: SendLine): SendMark {
    return new SendMark(line);
  }

  reachLine(): void {
    this.#position = this.#line.givenBytes;
  }

  get hasLeft(): boolean {
    return this.#line.sentBytes >= this.#position;
  }

  /** True when the bytes of `earlier` have left once these have. */
  covers(earlier: SendMark): boolean {
    if (earlier === this) return true;
    // Those that wait join the line behind nobody knows whom.
    return (
      earlier.#line === this.#line &&
      Number.isFinite(earlier.#position) &&
      earlier.#position <= this.#position
    );
  }
}
