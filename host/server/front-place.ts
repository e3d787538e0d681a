import type { OpenConnections } from '../front/messages.js';
import type { FrontProcess } from './front-process.js';

/** A front that ended sooner than this after its start gets a growing delay; any other is replaced at once. */
const QUICK_END_MS = 1000;
const MIN_DELAY_MS = 100;
const MAX_DELAY_MS = 5000;

/**
 * Where a front belongs: filled by one process after the other. State: the process that is in it, and how the last ones
 * ended. Owned by `FrontProcesses`, which fills it.
 */
export class FrontPlace {
  /** From 1. */
  readonly number: number;
  /** Of the process that is or was in it. */
  serial = 0;
  /** Connections by connector, as the front has told last. */
  open: OpenConnections = {};
  front: FrontProcess | undefined;
  restarts = 0;
  /** Set while it waits to be filled again. */
  retry: NodeJS.Timeout | undefined;
  /** Ends in a row shortly after the start. */
  #quickEnds = 0;

  constructor(number: number) {
    this.number = number;
  }

  /** Its front has ended after this time, and is to be replaced after the time that is given back: 0 is at once. */
  ended(livedMs: number): number {
    this.restarts += 1;
    this.#quickEnds = livedMs < QUICK_END_MS ? this.#quickEnds + 1 : 0;
    if (this.#quickEnds <= 1) return 0;
    return Math.min(MAX_DELAY_MS, MIN_DELAY_MS * 2 ** Math.min(this.#quickEnds - 2, 10));
  }

  /** What the fronts in the other places have open, by connector. */
  openElsewhere(all: readonly FrontPlace[]): Record<string, number> {
    const open: Record<string, number> = {};
    for (const other of all) {
      if (other === this) continue;
      for (const [connector, count] of Object.entries(other.open))
        open[connector] = (open[connector] ?? 0) + count;
    }
    return open;
  }
}
