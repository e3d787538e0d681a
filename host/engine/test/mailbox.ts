import { PorticoError } from '../../errors.js';

/** Things that arrive by themselves and are taken one after the other; for the test's end of a connection. */
export class Mailbox<T> {
  readonly #items: T[] = [];
  readonly #what: string;
  #end: { readonly error: Error | undefined } | undefined;
  #wake: (() => void) | undefined;

  /** `what` names an item in error messages: `a message`. */
  constructor(what: string) {
    this.#what = what;
  }

  put(item: T): void {
    this.#items.push(item);
    this.#wakeReader();
  }

  /** Nothing more will come. */
  end(error?: Error): void {
    this.#end ??= { error };
    this.#wakeReader();
  }

  /** The next item; undefined at the end. Rejects with the error of the end, or `PORTICO_TEST_TIMEOUT`. */
  async take(timeoutMs: number): Promise<T | undefined> {
    const isInTime = await this.#arrival(timeoutMs);
    const item = this.#items.shift();
    if (item !== undefined) return item;
    if (!isInTime)
      throw new PorticoError(
        'PORTICO_TEST_TIMEOUT',
        `${this.#what} was waited for, but none came within ${timeoutMs} ms.`,
      );
    if (this.#end?.error !== undefined) throw this.#end.error;
    return undefined;
  }

  /** True when there is an item or the end. */
  #arrival(timeoutMs: number): Promise<boolean> {
    if (this.#items.length > 0 || this.#end !== undefined) return Promise.resolve(true);
    return new Promise((resolve) => {
      const timer = timeoutMs === 0 ? undefined : setTimeout(() => resolve(false), timeoutMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }

  #wakeReader(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
