import type { DrainReport } from './drains/drain-report.js';
import type { ContextRoute, DeploymentCounts } from './messages.js';

/** The mapping as the deployer sees it; implemented by the set of fronts. */
export interface RouteTable {
  /**
   * Adds or replaces routes and removes others (by context id), in one step. Resolves when every running front has
   * acknowledged, so from then on no new request reaches what was replaced. Calls are applied in order.
   */
  publish(set: readonly ContextRoute[], remove: readonly string[]): Promise<void>;
  /**
   * Resolves true when no front has an exchange or tunnel with this deployment, which is no longer in the mapping;
   * false when the deadline passed first.
   */
  whenIdle(deployment: string, deadlineMs: number): Promise<boolean>;
  /**
   * What a deployment has answered since it came into the mapping, over all fronts, as last reported: at most a second
   * old. `inFlight` and `tunnels` are current. All 0 for one that has left it and has nothing in flight.
   */
  countsOf?(deployment: string): DeploymentCounts;
  /**
   * How the requests ended that a deployment had when it left the mapping; to be asked when its processes are gone. Undefined:
   * it had none, as far as is known. At most a second's wait.
   */
  drainOf?(deployment: string): Promise<DrainReport | undefined>;
  /** A front lost an instance, or wants a lazy context started. */
  onInstanceLost(listener: (instance: string, reason: string) => void): void;
  onWanted(listener: (context: string) => void): void;
}
