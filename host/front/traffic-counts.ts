import { ContextCounters } from './counters.js';
import { DeploymentCounters } from './deployment-counters.js';
import type { DrainReport } from './drains/drain-report.js';
import { DrainTally } from './drains/drain-tally.js';
import { type ContextCounts, type DeploymentCounts, type FrontCounts, UNMAPPED_CONTEXT } from './messages.js';

/**
 * All that one front counts. Labels are bounded: contexts come from the mapping, requests that no context answers
 * share one, and reasons of refusals come from a fixed list of the connector.
 */
export class TrafficCounts {
  /** Requests that no context answers for. */
  readonly unmapped = new ContextCounters(UNMAPPED_CONTEXT, UNMAPPED_CONTEXT);
  acceptedConnections = 0;
  /** Access log lines lost since the last report. */
  droppedLogLines = 0;
  readonly #contexts = new Map<string, ContextCounters>();
  /** Contexts that have left the mapping and still have something to report. */
  readonly #left = new Set<string>();
  readonly #deployments = new Map<string, DeploymentCounters>();
  readonly #leftDeployments = new Set<DeploymentCounters>();
  /** Of those that are forgotten; the oldest come first. */
  readonly #drains = new Map<string, DrainTally>();
  #refused: Record<string, number> = {};
  #closed: Record<string, number> = {};

  /** The counters of a mapped context; the same ones as long as the context is mapped. */
  countersOf(context: string, application: string): ContextCounters {
    let counters = this.#contexts.get(context);
    if (counters === undefined) {
      counters = new ContextCounters(context, application);
      this.#contexts.set(context, counters);
    }
    this.#left.delete(context);
    counters.application = application;
    return counters;
  }

  /** The context has left the mapping. Its counts are reported until its last request is finished. */
  retire(context: string): void {
    if (this.#contexts.has(context)) this.#left.add(context);
  }

  /** The counters of a deployment in the mapping; the same ones as long as it is. */
  deploymentOf(deployment: string): DeploymentCounters {
    let counters = this.#deployments.get(deployment);
    if (counters === undefined) {
      counters = new DeploymentCounters(deployment);
      this.#deployments.set(deployment, counters);
    }
    this.#leftDeployments.delete(counters);
    counters.drain = undefined;
    return counters;
  }

  /** All others have left the mapping. Their counts are reported until their last request is finished. */
  retainDeployments(mapped: ReadonlySet<string>): void {
    for (const [deployment, counters] of this.#deployments) {
      if (mapped.has(deployment)) continue;
      this.#leftDeployments.add(counters);
      if (counters.inFlight > 0) counters.drain ??= new DrainTally();
    }
  }

  /** The front is about to end: all that is in flight drains, and what still comes. */
  drainAll(): void {
    for (const counters of this.#deployments.values()) counters.drain ??= new DrainTally();
  }

  /**
   * How the exchanges of a deployment ended that has left the mapping, and whether all have. Undefined: nothing was open. What
   * has been told as a whole is forgotten.
   */
  drainOf(deployment: string): { readonly report: DrainReport; readonly isOver: boolean } | undefined {
    const counters = this.#deployments.get(deployment);
    const tally = counters?.drain ?? this.#drains.get(deployment);
    if (tally === undefined) return undefined;
    const isOver = (counters?.inFlight ?? 0) === 0;
    if (isOver) {
      this.#drains.delete(deployment);
      if (counters !== undefined) counters.drain = undefined;
    }
    return { report: tally.report(), isOver };
  }

  /** Of all deployments that drain, or have drained and were not asked for. */
  drains(): readonly (readonly [deployment: string, DrainReport])[] {
    const tallies = new Map(this.#drains);
    for (const { deployment, drain } of this.#deployments.values())
      if (drain !== undefined) tallies.set(deployment, drain);
    return [...tallies].map(([deployment, tally]) => [deployment, tally.report()]);
  }

  refuse(reason: string, times = 1): void {
    this.#refused[reason] = (this.#refused[reason] ?? 0) + times;
  }

  /** A connection ended by a limit, without a fault of its client. */
  closeByLimit(reason: string): void {
    this.#closed[reason] = (this.#closed[reason] ?? 0) + 1;
  }

  /** Everything since the last call. Contexts without any change are left out. */
  take(openConnections: number): FrontCounts {
    const contexts: ContextCounts[] = [];
    const add = (counters: ContextCounters): void => {
      if (counters.tooLargeBodies > 0) {
        this.refuse('body-too-large', counters.tooLargeBodies);
        counters.limit('body-limit', counters.tooLargeBodies);
      }
      counters.tooLargeBodies = 0;
      const counts = counters.take();
      if (counts !== undefined) contexts.push(counts);
    };
    add(this.unmapped);
    for (const counters of this.#contexts.values()) add(counters);
    for (const context of this.#left) {
      if (this.#contexts.get(context)?.inFlight !== 0) continue;
      this.#left.delete(context);
      this.#contexts.delete(context);
    }
    const counts: FrontCounts = {
      contexts,
      deployments: this.#takeDeployments(),
      openConnections,
      refused: this.#refused,
      closedByLimit: this.#closed,
      acceptedConnections: this.acceptedConnections,
      droppedLogLines: this.droppedLogLines,
    };
    this.#refused = {};
    this.#closed = {};
    this.acceptedConnections = this.droppedLogLines = 0;
    return counts;
  }

  #takeDeployments(): readonly DeploymentCounts[] {
    const taken: DeploymentCounts[] = [];
    for (const counters of this.#deployments.values()) {
      const counts = counters.take();
      if (counts !== undefined) taken.push(counts);
    }
    for (const counters of this.#leftDeployments) {
      if (counters.inFlight > 0) continue;
      this.#leftDeployments.delete(counters);
      this.#deployments.delete(counters.deployment);
      if (counters.drain !== undefined) this.#keep(counters.deployment, counters.drain);
    }
    return taken;
  }

  #keep(deployment: string, drain: DrainTally): void {
    this.#drains.set(deployment, drain);
    const [oldest] = this.#drains.keys();
    if (this.#drains.size > MAX_KEPT_DRAINS && oldest !== undefined) this.#drains.delete(oldest);
  }
}

/** Whoever wants to know asks within seconds. */
const MAX_KEPT_DRAINS = 100;
