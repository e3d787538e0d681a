import { describe, expect, it } from '@jest/globals';
import { CanaryRun } from '#host/deployer/live/canary-run.js';
import type { ErrorCounts } from '#host/deployer/rollout/error-rate.js';

const SETTINGS = { steps: [5, 50], intervalMs: 1000, maxErrorRate: 0.1, minRequests: 10 };
const NONE: ErrorCounts = { requests: 0, errors: 0 };
const counts = (requests: number, errors = 0): ErrorCounts => ({ requests, errors });

describe('a canary', () => {
  it('goes from step to step when the time is over and enough requests went well', () => {
    const run = new CanaryRun(SETTINGS, 0, NONE, NONE);
    expect(run.share).toBe(5);
    expect(run.look(999, counts(500), counts(900))).toEqual({ kind: 'stay' });
    expect(run.look(1000, counts(9), counts(900))).toEqual({ kind: 'stay' });
    expect(run.look(5000, counts(10), counts(900))).toEqual({ kind: 'step', share: 50 });
    expect(run.look(5999, counts(100), counts(900))).toEqual({ kind: 'stay' });
    // Each step needs requests of its own.
    expect(run.look(6000, counts(19), counts(900))).toEqual({ kind: 'stay' });
    expect(run.look(6000, counts(20), counts(900))).toEqual({ kind: 'promote' });
  });

  it('is aborted as soon as enough requests have failed, whatever the time', () => {
    const run = new CanaryRun(SETTINGS, 0, counts(100, 100), NONE);
    expect(run.look(1, counts(109, 109), NONE)).toEqual({ kind: 'stay' });
    expect(run.look(1, counts(110, 102), NONE)).toEqual({
      kind: 'abort',
      reason: '20 % of its 10 requests failed; canary.maxErrorRate is 10 %',
    });
  });

  it('is not blamed for what fails in the version of before as well', () => {
    const run = new CanaryRun(SETTINGS, 0, NONE, NONE);
    expect(run.look(1000, counts(20, 10), counts(100, 45))).toEqual({ kind: 'step', share: 50 });
    expect(run.look(1100, counts(40, 30), counts(200, 90))).toEqual({
      kind: 'abort',
      reason:
        '100 % of its 20 requests failed, 45 % of those of the version it was to replace; canary.maxErrorRate is 10 %',
    });
  });

  it('stays at 0 % however well it answers previews, and is aborted when it does not', () => {
    const run = new CanaryRun({ ...SETTINGS, steps: [0, 50] }, 0, NONE, NONE);
    expect(run.look(100_000, counts(1000), counts(900))).toEqual({ kind: 'stay' });
    expect(run.share).toBe(0);
    expect(run.look(100_000, counts(1000, 500), counts(900))).toMatchObject({ kind: 'abort' });
  });
});
