import { type RolloutParts, retire } from './rollout.js';
import type { Running, Version } from './version.js';

/** Old deployments that may drain at the same time; a further rollout waits for the oldest. */
const MAX_RETIRING = 3;

/** Deployments of one context that are out of the mapping and on their way to their end. Owned by the context. */
export class Retirements {
  readonly #parts: RolloutParts;
  readonly #going = new Map<Running, Promise<void>>();

  constructor(parts: RolloutParts) {
    this.#parts = parts;
  }

  get isEmpty(): boolean {
    return this.#going.size === 0;
  }

  all(): Running[] {
    return [...this.#going.keys()];
  }

  /** Drains and stops it. Resolves when nothing of it runs any more; never rejects. */
  add(running: Running, drainTimeoutMs: number): Promise<void> {
    const done = retire(running, this.#parts, drainTimeoutMs).finally(() => {
      this.#going.delete(running);
    });
    this.#going.set(running, done);
    return done;
  }

  /** Resolves when there is room for one more. */
  async room(): Promise<void> {
    while (this.#going.size >= MAX_RETIRING) await this.#going.values().next().value;
  }

  /** Resolves when nothing of this version, or of any, is left. */
  async over(version?: Version): Promise<void> {
    const mine = [...this.#going].filter(([running]) => version === undefined || running.version === version);
    await Promise.all(mine.map(([, done]) => done));
  }
}
