import type { Prepared, Running, Version } from '../version.js';
import { failurePage } from './failure-page.js';
import type { RolloutFailure } from './rollout-failure.js';

/**
 * Writes down with a version that content of it could not be brought to serve. `prepared`: that content, undefined when
 * it could not even be read. `goesOn`: older content of the same version, which is not touched by this.
 */
export function noteFailure(
  version: Version,
  prepared: Prepared | undefined,
  failure: RolloutFailure,
  goesOn: Running | undefined,
  isDevelopment: boolean,
): void {
  version.rejected = prepared?.key;
  const { reason } = failure;
  const hasOther = prepared === undefined && version.prepared !== undefined && version.wish !== 'failed';
  if (isDevelopment && version.wish !== 'held') {
    version.wish = 'failed';
    version.reason = reason;
    version.failurePage = failurePage(version, prepared?.folder, failure);
  } else if (goesOn !== undefined || hasOther || version.wish === 'held') {
    version.pendingFailure = reason;
    if (goesOn !== undefined) version.prepared = goesOn.prepared;
  } else {
    version.wish = 'failed';
    version.reason = reason;
  }
  version.lastOutput = failure.lastOutput;
}

/** For the line of the log that is the event. */
export function failureFields(version: Version, failure: RolloutFailure): object {
  const { code, step, lastOutput, cause } = failure;
  return {
    event: 'failed',
    code,
    application: version.name,
    step,
    bundle: version.order.source.path,
    lastOutput,
    err: cause,
  };
}
