import type { Running, Version } from '../version.js';

/**
 * What the fronts send requests of one place to: the deployment that serves, and those that are live beside it, one of
 * each version at most. Plain bookkeeping: whoever takes one out ends it. Owned by `Serving`.
 */
export class LiveVersions {
  #active: Running | undefined;
  readonly #beside = new Map<Version, Beside>();

  /** What new clients get, unless a version beside it has a share of them. Undefined: nothing serves. */
  get active(): Running | undefined {
    return this.#active;
  }

  /** Those that are live beside it, in the order in which they came there. */
  get beside(): readonly Beside[] {
    return [...this.#beside.values()];
  }

  /** All of them. */
  all(): Running[] {
    const beside = this.beside.map(({ running }) => running);
    return this.#active === undefined ? beside : [this.#active, ...beside];
  }

  /** The deployment of a version; undefined when it is not live. */
  of(version: Version): Running | undefined {
    return this.#active?.version === version ? this.#active : this.#beside.get(version)?.running;
  }

  /** The deployment of the content that a version has now; undefined when that is not live, or given up. */
  sound(version: Version): Running | undefined {
    const running = this.of(version);
    return running?.gaveUp === undefined && running?.prepared === version.prepared ? running : undefined;
  }

  has(running: Running): boolean {
    return this.of(running.version) === running;
  }

  /** The part a version has beside the active one. */
  roleOf(version: Version): LiveRole | undefined {
    return this.#beside.get(version)?.role;
  }

  /** Puts another in the place of the active one, which is given back: it is nowhere any more. */
  activate(running: Running | undefined): Running | undefined {
    const old = this.#active;
    this.#active = running;
    if (running !== undefined) this.#beside.delete(running.version);
    return old === running ? undefined : old;
  }

  /** Keeps it live beside the active one. */
  keep(running: Running, role: LiveRole): void {
    // Anew at the end of the order.
    this.#beside.delete(running.version);
    this.#beside.set(running.version, { running, role, since: performance.now() });
  }

  /** Takes out one that is beside the active one; false when it is not there. */
  release(running: Running): boolean {
    return this.#beside.get(running.version)?.running === running && this.#beside.delete(running.version);
  }
}

/** One that is live beside the active one. */
export interface Beside {
  readonly running: Running;
  readonly role: LiveRole;
  /** Since when it has this role, by the monotonic clock. */
  readonly since: number;
}

/** `old`: for the clients it has; `canary`: for a share of the new ones; `shadow`: for copies of requests. */
export type LiveRole = 'old' | 'canary' | 'shadow';
