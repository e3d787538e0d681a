/** Messages a second beyond which a process is not reporting but flooding. */
const MAX_MESSAGES_PER_SECOND = 500;

/** Counts the messages of one process. */
export class MessageRate {
  #second = 0;
  #count = 0;

  /** One more has come. True: there are too many. */
  isFlood(): boolean {
    const second = Math.floor(performance.now() / 1000);
    if (this.#second !== second) this.#count = 0;
    this.#second = second;
    this.#count += 1;
    return this.#count > MAX_MESSAGES_PER_SECOND;
  }
}
