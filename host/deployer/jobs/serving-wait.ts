import { within } from '../../deadline.js';
import { PorticoError } from '../../errors.js';
import type { Running, Version } from '../version.js';
import { mayServe } from '../version.js';

/** Somewhere that serves, or would. */
export interface Servable {
  /** What serves now. */
  readonly active: Running | undefined;
  readonly isClosing: boolean;
  /** The version whose state the path shows. */
  spokesman(): Version | undefined;
}

/** What serves is looked at so often while somebody waits for it; changes are noticed at once. */
const LOOK_MS = 1000;

/** Waits for a context to serve. Owned by the context, which tells it of changes. */
export class ServingWait {
  readonly #serving: Servable;
  readonly #wake: () => void;
  readonly #waiting = new Set<() => void>();

  /** `wake` starts what waits for a first request; it is harmless where nothing does. */
  constructor(serving: Servable, wake: () => void) {
    this.#serving = serving;
    this.#wake = wake;
  }

  /** What serves may be another now. */
  changed(): void {
    for (const resolve of this.#waiting) resolve();
  }

  /** What serves and has an instance, when it does. Rejects with `PORTICO_JOB_FAILED` when nothing would, or not in time. */
  async until(timeoutMs: number): Promise<Running> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const { active, isClosing } = this.#serving;
      if (active?.isMapped && active.gaveUp === undefined && active.process?.addresses().length)
        return active;
      const version = this.#serving.spokesman();
      if (version === undefined || isClosing || !mayServe(version))
        throw new PorticoError('PORTICO_JOB_FAILED', 'the application is stopped, or has failed');
      const leftMs = deadline - performance.now();
      if (leftMs <= 0)
        throw new PorticoError('PORTICO_JOB_FAILED', `no instance was ready in ${timeoutMs} ms`);
      this.#wake();
      await this.#change(Math.min(leftMs, LOOK_MS));
    }
  }

  async #change(deadlineMs: number): Promise<void> {
    let resolve: () => void = () => undefined;
    const change = new Promise<void>((settle) => {
      resolve = settle;
    });
    this.#waiting.add(resolve);
    await within(change, deadlineMs);
    this.#waiting.delete(resolve);
  }
}
