import { PorticoError } from '../../errors.js';
import type { Version } from '../version.js';

/**
 * What is being prepared or started for one place, one piece at a time, and how to end it. State: the piece under way.
 * Owned by what serves the place.
 */
export class InterruptibleWork {
  #current: { readonly version: Version; readonly abort: AbortController } | undefined;

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
}
