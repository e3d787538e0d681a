import type { ContextRoute, DeploymentCounts, RouteTarget } from '#host/front/messages.js';
import type { RouteTable } from '#host/front/route-table.js';
import { deploymentsOf } from '#host/front/target-deployments.js';

/** Stands in for the fronts: keeps the mapping, and says a deployment is idle when the test says so. */
export class StandInRoutes implements RouteTable {
  readonly routes = new Map<string, ContextRoute>();
  /** Every change, in order: context and what it answered with from then on. */
  readonly history: { readonly context: string; readonly target: RouteTarget | undefined }[] = [];
  /** Deployments with something in flight. */
  readonly inFlight = new Set<string>();
  /** What the test says of deployments; nothing by default. */
  readonly counts = new Map<string, { requests: number; tunnels?: number; errors?: number }>();
  publishes = 0;
  #wanted: (context: string) => void = () => undefined;
  #lost: (instance: string, reason: string) => void = () => undefined;

  async publish(set: readonly ContextRoute[], remove: readonly string[]): Promise<void> {
    this.publishes++;
    // As over a channel: it takes a turn, and carries plain data.
    await new Promise((resolve) => setImmediate(resolve));
    for (const route of structuredClone(set)) {
      this.routes.set(route.context, route);
      this.history.push({ context: route.context, target: route.target });
    }
    for (const context of remove) {
      this.routes.delete(context);
      this.history.push({ context, target: undefined });
    }
  }

  async whenIdle(deployment: string, deadlineMs: number): Promise<boolean> {
    const until = performance.now() + deadlineMs;
    while (this.inFlight.has(deployment)) {
      if (performance.now() > until) return false;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return true;
  }

  countsOf(deployment: string): DeploymentCounts {
    const { requests = 0, tunnels = 0, errors = 0 } = this.counts.get(deployment) ?? {};
    const inFlight = this.inFlight.has(deployment) ? 1 : 0;
    return { deployment, requests, errors, inFlight, tunnels };
  }

  onInstanceLost(listener: (instance: string, reason: string) => void): void {
    this.#lost = listener;
  }

  onWanted(listener: (context: string) => void): void {
    this.#wanted = listener;
  }

  want(context: string): void {
    this.#wanted(context);
  }

  lose(instance: string): void {
    this.#lost(instance, 'connection refused');
  }

  /** `process shop@…`, `failed`, `lazy`, `static`, or `none`. */
  answer(context: string): string {
    const target = this.routes.get(context)?.target;
    if (target === undefined) return 'none';
    return target.kind === 'unavailable' ? target.state : target.kind;
  }

  /** The deployment that serves; of several live versions the one that most new clients get. */
  deploymentOf(context: string): string | undefined {
    const target = this.routes.get(context)?.target;
    if (target === undefined) return undefined;
    if (target.kind !== 'versions') return deploymentsOf(target)[0];
    const [most] = [...target.versions].sort((left, right) => right.weight - left.weight);
    return most === undefined ? undefined : deploymentsOf(most.target)[0];
  }
}
