/** Runs tasks one after the other, in the order in which they came. A failing task does not stop the next one. */
export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();
  #size = 0;

  /** Nothing runs or waits. */
  get isIdle(): boolean {
    return this.#size === 0;
  }

  /** Behind what runs something waits. */
  get hasMore(): boolean {
    return this.#size > 1;
  }

  run<Result>(task: () => Promise<Result>): Promise<Result> {
    this.#size++;
    const done = this.#last.then(task).finally(() => {
      this.#size--;
    });
    // The caller gets the failure from `done`; the line goes on in any case.
    this.#last = done.then(nothing, nothing);
    return done;
  }

  /** Resolves when everything that was in the line at the time of the call is over. */
  async idle(): Promise<void> {
    await this.#last;
  }
}

function nothing(): undefined {
  return undefined;
}
