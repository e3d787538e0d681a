import { retryDelayOf } from '../../supervisor/restart-policy.js';
import type { DeployerLog } from '../collaborators.js';
import type { Prepared, Version } from '../version.js';

/** What trials need of what serves the place. */
export interface TrialHost {
  readonly log: DeployerLog;
  /** Where the versions are, for the log. */
  readonly path: string;
  /** Nothing is tried for developers: they look at the error, and change the file. */
  readonly isDevelopment: boolean;
  readonly isClosing: () => boolean;
  /** The version is still there, with this content. */
  readonly isThere: (version: Version, prepared: Prepared) => boolean;
  /** A version serves, this one or another. */
  readonly isServed: () => boolean;
  readonly settle: () => Promise<void>;
  /** Runs a task after what the context is doing. */
  readonly enqueue: (task: () => Promise<void>) => void;
  /** The status of a version may have changed. */
  readonly changed: (name: string) => void;
}

/**
 * What crashed too often is started once more after a time, the circuit being half open, unless another version serves.
 * Owned by what serves a context; owns its timers.
 */
export class Trials {
  readonly #host: TrialHost;
  readonly #timers = new Map<Version, NodeJS.Timeout>();

  constructor(host: TrialHost) {
    this.#host = host;
  }

  /** In the place of what was planned for the version before. Harmless when the version has not failed. */
  plan(version: Version, prepared: Prepared): void {
    const delayMs = retryDelayOf(prepared.manifest.settings.restart);
    if (delayMs === undefined || this.#host.isDevelopment || version.wish !== 'failed') return;
    clearTimeout(this.#timers.get(version));
    version.retryAt = new Date(Date.now() + delayMs).toISOString();
    const timer = setTimeout(() => {
      this.#timers.delete(version);
      version.retryAt = undefined;
      this.#host.enqueue(() => this.#try(version, prepared));
    }, delayMs);
    timer.unref();
    this.#timers.set(version, timer);
    this.#host.changed(version.name);
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  async #try(version: Version, prepared: Prepared): Promise<void> {
    const { log, path, isClosing, isThere, isServed, settle } = this.#host;
    const { name } = version;
    if (isClosing() || !isThere(version, prepared) || version.wish !== 'failed') return;
    if (!isServed()) {
      const message = `${name}: it crashed too often; one start is tried`;
      log.warn({ event: 'half-open', application: name, path }, message);
      version.wish = 'run';
      version.rejected = undefined;
      version.isTrial = true;
      await settle();
      version.isTrial = false;
    }
    // Not started, or not needed so far.
    this.plan(version, prepared);
  }
}
