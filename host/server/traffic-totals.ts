import type { TrafficTotals } from '../admin/traffic.js';
import { type ContextCounts, type FrontCounts, UNMAPPED_CONTEXT } from '../front/messages.js';
import type { CallLedger } from './call-ledger.js';
import { DeploymentTotals } from './deployment-totals.js';

/**
 * Adds up what the fronts report. Counters only grow, also when a front is replaced; current values are those of the
 * fronts alive. A context that has left the mapping is forgotten, and late counts of it are dropped.
 */
export class FrontTotals {
  readonly #calls: CallLedger | undefined;
  readonly deployments = new DeploymentTotals();
  readonly #contexts = new Map<string, ContextCounts>();
  readonly #current = new Map<number, FrontCurrent>();
  readonly #refused = new Map<string, number>();
  readonly #closedByLimit = new Map<string, number>();
  #accepted = 0;
  #droppedLogLines = 0;

  /** `calls`: where those between applications are kept. Default: nowhere. */
  constructor(calls?: CallLedger) {
    this.#calls = calls;
  }

  /** A context is in the mapping now, for this application. Another one at the same place begins at zero. */
  keep(context: string, application: string): void {
    if (this.#contexts.get(context)?.application === application) return;
    this.#contexts.set(context, zero(context, application));
  }

  forget(context: string): void {
    this.#contexts.delete(context);
    for (const current of this.#current.values()) current.contexts.delete(context);
  }

  add(front: number, counts: FrontCounts): void {
    const current: FrontCurrent = this.#current.get(front) ?? { openConnections: 0, contexts: new Map() };
    this.#current.set(front, current);
    current.openConnections = counts.openConnections;
    this.#accepted += counts.acceptedConnections;
    this.#droppedLogLines += counts.droppedLogLines ?? 0;
    addTo(this.#refused, counts.refused);
    addTo(this.#closedByLimit, counts.closedByLimit ?? {});
    this.deployments.add(front, counts.deployments ?? []);
    this.#calls?.take(counts.calls);
    for (const more of counts.contexts) {
      if (more.context === UNMAPPED_CONTEXT) this.keep(UNMAPPED_CONTEXT, more.application);
      const sum = this.#contexts.get(more.context);
      if (sum === undefined || sum.application !== more.application) continue;
      this.#contexts.set(more.context, sumOf(sum, more));
      const { inFlight, tunnels, queued = 0 } = more;
      current.contexts.set(more.context, { inFlight, tunnels, queued });
    }
  }

  /** The front has ended: nothing is in flight there any more. */
  frontGone(front: number): void {
    this.#current.delete(front);
    this.deployments.frontGone(front);
  }

  snapshot(): TrafficTotals {
    const fronts = [...this.#current.values()];
    return {
      contexts: [...this.#contexts.values()].map((totals) => ({
        ...totals,
        inFlight: sum(fronts, (front) => front.contexts.get(totals.context)?.inFlight ?? 0),
        tunnels: sum(fronts, (front) => front.contexts.get(totals.context)?.tunnels ?? 0),
        queued: sum(fronts, (front) => front.contexts.get(totals.context)?.queued ?? 0),
      })),
      openConnections: sum(fronts, (front) => front.openConnections),
      acceptedConnections: this.#accepted,
      refused: Object.fromEntries(this.#refused),
      closedByLimit: Object.fromEntries(this.#closedByLimit),
      droppedLogLines: this.#droppedLogLines,
      calls: this.#calls?.totals() ?? [],
    };
  }
}

interface FrontCurrent {
  openConnections: number;
  /** Reported only when changed, so the last values stand. */
  readonly contexts: Map<string, Pick<ContextCounts, 'inFlight' | 'tunnels'> & { readonly queued: number }>;
}

function addTo(sums: Map<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [reason, count] of Object.entries(more)) sums.set(reason, (sums.get(reason) ?? 0) + count);
}

function zero(context: string, application: string): ContextCounts {
  return {
    context,
    application,
    byClass: [],
    latency: [],
    latencySumSeconds: 0,
    bytesIn: 0,
    bytesOut: 0,
    inFlight: 0,
    tunnels: 0,
  };
}

function sumOf(sum: ContextCounts, more: ContextCounts): ContextCounts {
  return {
    ...sum,
    byClass: added(sum.byClass, more.byClass),
    latency: added(sum.latency, more.latency),
    latencySumSeconds: sum.latencySumSeconds + more.latencySumSeconds,
    bytesIn: sum.bytesIn + more.bytesIn,
    bytesOut: sum.bytesOut + more.bytesOut,
    limited: more.limited === undefined ? (sum.limited ?? {}) : addedByName(sum.limited ?? {}, more.limited),
  };
}

function addedByName(
  left: Readonly<Record<string, number>>,
  right: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const sums = { ...left };
  for (const [name, count] of Object.entries(right)) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

function added(left: readonly number[], right: readonly number[]): readonly number[] {
  return right.map((value, index) => value + (left[index] ?? 0));
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}
