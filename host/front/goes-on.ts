import type { RouteTarget } from './messages.js';

/** States of a context in which nobody answers, and in which requests find somebody before long all the same. */
const PASSING_STATES: readonly string[] = ['starting', 'restarting', 'lazy'];

/**
 * Whether a context has somebody who answers its requests now, or before long: whoever comes back soon is served. Decides
 * what clients of a deployment that has left it are told; undefined: the context is gone.
 */
export function goesOn(target: RouteTarget | undefined): boolean {
  if (target === undefined) return false;
  return target.kind !== 'unavailable' || PASSING_STATES.includes(target.state);
}
