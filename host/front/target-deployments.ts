import type { RouteTarget, VersionsTarget } from './messages.js';

/** A target that answers by itself. */
export type SingleTarget = Exclude<RouteTarget, VersionsTarget>;

/** All that a target may answer with: itself, or those that are nested in it. */
export function singleTargets(target: RouteTarget): readonly SingleTarget[] {
  return target.kind === 'versions' ? target.versions.map((version) => version.target) : [target];
}

/** The deployments that a target names. */
export function deploymentsOf(target: RouteTarget): string[] {
  return singleTargets(target).flatMap((one) => (one.kind === 'unavailable' ? [] : [one.deployment]));
}
