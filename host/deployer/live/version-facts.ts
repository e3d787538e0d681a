import type { RouteTable } from '../../front/route-table.js';
import type { Running } from '../version.js';

/** What was noticed of one deployment over several looks at its counts. */
interface Noticed {
  pinned: number;
  pinnedAt: number | undefined;
  /** Times of the looks; only the last few matter. */
  readonly looks: number[];
}

const KEPT_LOOKS = 8;

/** Makes of growing counts when something happened last. Whoever owns it looks once a second. */
export class VersionFacts {
  readonly #routes: RouteTable;
  readonly #noticed = new WeakMap<Running, Noticed>();

  constructor(routes: RouteTable) {
    this.#routes = routes;
  }

  look(all: readonly Running[]): void {
    const now = performance.now();
    for (const running of all) {
      const pinned = this.#routes.countsOf?.(running.deployment).pinned ?? 0;
      const before = this.#noticed.get(running) ?? { pinned: 0, pinnedAt: undefined, looks: [] };
      if (pinned !== before.pinned) {
        before.pinned = pinned;
        before.pinnedAt = now;
      }
      before.looks.push(now);
      if (before.looks.length > KEPT_LOOKS) before.looks.shift();
      this.#noticed.set(running, before);
    }
  }

  /** `since`: looks from then on count. */
  of(running: Running, since: number): { readonly pinnedAgoMs: number | undefined; readonly looks: number } {
    const { pinnedAt, looks } = this.#noticed.get(running) ?? { pinnedAt: undefined, looks: [] };
    return {
      pinnedAgoMs: pinnedAt === undefined ? undefined : performance.now() - pinnedAt,
      looks: looks.filter((time) => time >= since).length,
    };
  }
}
