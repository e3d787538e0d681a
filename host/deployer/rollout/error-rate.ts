/** What has been counted of something that is judged: growing numbers, or differences of them. */
export interface ErrorCounts {
  readonly requests: number;
  /** Of these, those the application is to blame for: 5xx and responses broken off. */
  readonly errors: number;
}

/** When an error rate is too high. */
export interface ErrorRateLimit {
  /** Share of errors, 0 to 1, that is still good. */
  readonly maxErrorRate: number;
  /** With fewer requests nothing is said: one error of two requests is no rate. At least 1. */
  readonly minRequests: number;
}

/** `undecided`: too few requests yet. */
export type ErrorRateVerdict = 'undecided' | 'good' | 'bad';

/** What was counted between two looks. A counter that went back has begun anew, so all of it is new. */
export function countsSince(before: ErrorCounts, now: ErrorCounts): ErrorCounts {
  if (now.requests < before.requests || now.errors < before.errors) return now;
  return { requests: now.requests - before.requests, errors: now.errors - before.errors };
}

/**
 * Judges whether something answers well enough, by what was counted of it. With `baseline`, the counts of what it is to
 * replace over the same time, the rate must also be higher than the one of that by as much as the limit allows: a
 * database that is down is not the fault of the new version. A baseline with too few requests says nothing.
 */
export function judgeErrorRate(
  counts: ErrorCounts,
  limit: ErrorRateLimit,
  baseline?: ErrorCounts,
): ErrorRateVerdict {
  const { maxErrorRate, minRequests } = limit;
  if (counts.requests < Math.max(1, minRequests)) return 'undecided';
  const usual =
    baseline === undefined || baseline.requests < Math.max(1, minRequests) ? 0 : errorRateOf(baseline);
  return errorRateOf(counts) > usual + maxErrorRate ? 'bad' : 'good';
}

/** 0 to 1; 0 without any request. */
export function errorRateOf({ requests, errors }: ErrorCounts): number {
  return requests === 0 ? 0 : Math.min(1, errors / requests);
}
