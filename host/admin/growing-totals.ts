/**
 * Totals that only grow, made of readings of parts that come, go and begin at zero: the processes of an application
 * over its redeployments.
 */
export class GrowingTotals {
  readonly #owners = new Map<string, { total: number; readings: Map<string, number> }>();

  /** A reading of a part; what it grew by since its last reading is added. */
  take(owner: string, part: string, reading: number): void {
    const entry = this.#owners.get(owner) ?? { total: 0, readings: new Map() };
    this.#owners.set(owner, entry);
    const last = entry.readings.get(part) ?? 0;
    entry.total += reading >= last ? reading - last : reading;
    // Youngest last, so that the oldest parts are those forgotten.
    entry.readings.delete(part);
    entry.readings.set(part, reading);
    if (entry.readings.size > MAX_PARTS) entry.readings.delete(entry.readings.keys().next().value ?? '');
  }

  total(owner: string): number {
    return this.#owners.get(owner)?.total ?? 0;
  }

  /** Forgets all other owners. */
  retain(owners: ReadonlySet<string>): void {
    for (const owner of this.#owners.keys()) if (!owners.has(owner)) this.#owners.delete(owner);
  }
}

/** Parts remembered for each owner: more than run at a time, fewer than a year of redeployments. */
const MAX_PARTS = 256;
