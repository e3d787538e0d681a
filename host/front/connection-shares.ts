import type { Connector } from '../connector/connector.js';
import type { OpenConnections } from './messages.js';

/**
 * Makes `maxConnections` hold for all fronts of a host together: each tells how many connections it has, hears how many the
 * others have, and counts these as its own. It tells once a second, and whenever it has a sixteenth of the limit more than
 * it told last; so a flood goes beyond the limit by about a sixteenth for each front at most, and none is refused that has
 * room by what was told. Connections of connectors that were replaced count as well.
 */
export class ConnectionShares {
  readonly #current: ReadonlyMap<string, Connector>;
  readonly #former: ReadonlyMap<Connector, string>;
  readonly #tell: (open: OpenConnections) => void;
  #elsewhere: OpenConnections = {};
  #told: OpenConnections = {};
  #isShared = false;

  /** The maps are the front's own. `tell` reaches the other fronts. */
  constructor(
    current: ReadonlyMap<string, Connector>,
    former: ReadonlyMap<Connector, string>,
    tell: (open: OpenConnections) => void,
  ) {
    this.#current = current;
    this.#former = former;
    this.#tell = tell;
  }

  /** There are other fronts. */
  share(): void {
    this.#isShared = true;
  }

  /** What the others have. */
  hear(elsewhere: OpenConnections): void {
    this.#elsewhere = elsewhere;
    this.#apply();
  }

  /** A connection was opened. */
  opened(name: string, maxConnections: number): void {
    if (!this.#isShared) return;
    const now = this.#current.get(name)?.openConnections ?? 0;
    if (now - (this.#told[name] ?? 0) >= maxConnections / PARTS) this.report();
  }

  /** To be called every second, and when connectors have changed. */
  report(): void {
    this.#apply();
    if (!this.#isShared) return;
    const open: Record<string, number> = {};
    for (const [name, connector] of this.#current)
      open[name] = connector.openConnections + this.#formerOf(name);
    const isKnown = Object.entries(open).every(([name, count]) => count === (this.#told[name] ?? 0));
    if (isKnown) return;
    this.#told = open;
    this.#tell(open);
  }

  #apply(): void {
    for (const [name, connector] of this.#current)
      connector.countElsewhere((this.#elsewhere[name] ?? 0) + this.#formerOf(name));
  }

  #formerOf(name: string): number {
    let count = 0;
    for (const [connector, of] of this.#former) if (of === name) count += connector.openConnections;
    return count;
  }
}

const PARTS = 16;
