import { PorticoError } from '../../errors.js';
import type { Version } from '../version.js';

/** Starts that give way one after the other; the next one goes on to its end, or files that change without end would let none serve. */
const MAX_IN_A_ROW = 3;

/**
 * What is being prepared or started for one place, one piece at a time, and how to end it. State: the piece under way, and
 * whose start has given way to newer content that is still to be taken. Owned by what serves the place.
 */
export class InterruptibleWork {
  #current: { readonly version: Version; readonly abort: AbortController } | undefined;
  /** Name of the version whose start gives way to newer content. */
  #yielding: string | undefined;
  readonly #overtaken = new Set<string>();
  #inARow = 0;

  get isUnderWay(): boolean {
    return this.#current !== undefined;
  }

  /** Its signal is aborted with `PORTICO_STOPPING` by `interrupt`; while it runs, the version shows that it starts. */
  async run<Result>(version: Version, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const abort = new AbortController();
    this.#current = { version, abort };
    version.activity = 'starting';
    try {
      return await work(abort.signal);
    } finally {
      if (version.activity === 'starting') version.activity = undefined;
      this.#current = undefined;
    }
  }

  /** Ends what is under way, of the version of this name or of any. Harmless when nothing is. */
  interrupt(name: string | undefined, why: string): void {
    if (this.#current === undefined || (name !== undefined && this.#current.version.name !== name)) return;
    this.#current.abort.abort(new PorticoError('PORTICO_STOPPING', why));
  }

  /** While `start` runs, what it has under way gives way to newer content of this version. */
  async yielding<Result>(name: string, start: () => Promise<Result>): Promise<Result> {
    this.#yielding = name;
    try {
      return await start();
    } finally {
      this.#yielding = undefined;
      if (!this.#overtaken.has(name)) this.#inARow = 0;
    }
  }

  /** Newer content of this name has come; whoever says so takes it next, and calls `caughtUp` then. */
  overtake(name: string): void {
    if (this.#yielding !== name || this.#overtaken.has(name) || this.#inARow >= MAX_IN_A_ROW) return;
    this.#inARow++;
    this.#overtaken.add(name);
    this.interrupt(name, `newer content of ${name} has come`);
  }

  /** Until its newer content is taken, nothing of this name is worth a start. */
  isOvertaken(name: string): boolean {
    return this.#overtaken.has(name);
  }

  /** The newer content is being taken now. False: nothing has given way to it. */
  caughtUp(name: string): boolean {
    return this.#overtaken.delete(name);
  }
}
