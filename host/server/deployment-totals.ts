import type { DeploymentCounts } from '../front/messages.js';

/**
 * Adds up what the fronts report of each deployment, from its coming into the mapping until it has left it and nothing
 * of it is in flight. Counters only grow, also when a front is replaced; current values are those of the fronts alive.
 */
export class DeploymentTotals {
  readonly #totals = new Map<string, Totals>();

  /** It is in the mapping now. */
  keep(deployment: string): void {
    const totals = this.#totals.get(deployment);
    if (totals === undefined)
      this.#totals.set(deployment, {
        requests: 0,
        errors: 0,
        pinned: 0,
        skipped: 0,
        hasLeft: false,
        open: new Map(),
      });
    else totals.hasLeft = false;
  }

  /** It has left the mapping; what is in flight still counts. */
  leave(deployment: string): void {
    const totals = this.#totals.get(deployment);
    if (totals === undefined) return;
    totals.hasLeft = true;
    this.#forgetIdle(deployment, totals);
  }

  /** Late counts of a deployment that is forgotten are dropped. */
  add(front: number, counts: readonly DeploymentCounts[]): void {
    for (const { deployment, requests, errors, pinned = 0, skipped = 0, inFlight, tunnels } of counts) {
      const totals = this.#totals.get(deployment);
      if (totals === undefined) continue;
      totals.requests += requests;
      totals.errors += errors;
      totals.pinned += pinned;
      totals.skipped += skipped;
      if (inFlight === 0 && tunnels === 0) totals.open.delete(front);
      else totals.open.set(front, { inFlight, tunnels });
      this.#forgetIdle(deployment, totals);
    }
  }

  /** The front has ended: nothing is in flight there any more. */
  frontGone(front: number): void {
    for (const [deployment, totals] of this.#totals) {
      if (totals.open.delete(front)) this.#forgetIdle(deployment, totals);
    }
  }

  of(deployment: string): DeploymentCounts {
    const { requests = 0, errors = 0, pinned = 0, skipped = 0, open } = this.#totals.get(deployment) ?? {};
    let inFlight = 0;
    let tunnels = 0;
    for (const current of open?.values() ?? []) {
      inFlight += current.inFlight;
      tunnels += current.tunnels;
    }
    return {
      deployment,
      requests,
      errors,
      inFlight,
      tunnels,
      ...(pinned > 0 ? { pinned } : {}),
      ...(skipped > 0 ? { skipped } : {}),
    };
  }

  #forgetIdle(deployment: string, { hasLeft, open }: Totals): void {
    if (hasLeft && open.size === 0) this.#totals.delete(deployment);
  }
}

interface Totals {
  requests: number;
  errors: number;
  pinned: number;
  skipped: number;
  hasLeft: boolean;
  /** By front, where anything is open. Reported only when changed, so the last values stand. */
  readonly open: Map<number, { readonly inFlight: number; readonly tunnels: number }>;
}
