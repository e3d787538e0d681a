import type { Running, Version } from '../version.js';
import type { KeptWarm } from './probation.js';
import { retire } from './rollout.js';
import type { RolloutParts } from './rollout-parts.js';

/** Old deployments that may drain at the same time; a further rollout waits for the oldest. */
const MAX_RETIRING = 3;

/** Deployments of one context that are out of the mapping and on their way to their end. Owned by the context. */
export class Retirements {
  readonly #parts: RolloutParts;
  readonly #goesOn: () => boolean;
  readonly #going = new Map<Running, Promise<void>>();
  readonly #warm = new Map<Running, KeptWarm>();

  /** `goesOn`: whether somebody answers for the context, or will before long. */
  constructor(parts: RolloutParts, goesOn: () => boolean) {
    this.#parts = parts;
    this.#goesOn = goesOn;
  }

  get isEmpty(): boolean {
    return this.#going.size === 0;
  }

  all(): Running[] {
    return [...this.#going.keys()];
  }

  /** It is out of the mapping: drains and stops it, what is kept `warm` not before that is over. Resolves when that is done; never rejects. */
  add(running: Running, drainTimeoutMs: number, warm?: KeptWarm): Promise<void> {
    const departure = this.#goesOn() ? 'replaced' : 'ended';
    const done = retire(running, this.#parts, { drainTimeoutMs, departure, warm }).finally(() => {
      // It may have served again, and be retired once more.
      if (this.#going.get(running) !== done) return;
      this.#going.delete(running);
      this.#warm.delete(running);
    });
    this.#going.set(running, done);
    if (warm !== undefined) this.#warm.set(running, warm);
    return done;
  }

  /** Resolves when there is room for one more; what is kept warm takes none. */
  async room(): Promise<void> {
    for (;;) {
      const ending = [...this.#going].filter(([running]) => this.#warm.get(running)?.isDecided !== false);
      if (ending.length < MAX_RETIRING) return;
      await ending[0]?.[1];
    }
  }

  /** Resolves when nothing of this version, or of any, is left. Nothing of it is kept warm any more. */
  async over(version?: Version): Promise<void> {
    const mine = [...this.#going].filter(([running]) => version === undefined || running.version === version);
    for (const [running] of mine) this.#warm.get(running)?.settle('over');
    await Promise.all(mine.map(([, done]) => done));
  }
}
