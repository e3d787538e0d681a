import { describe, expect, it } from '@jest/globals';
import { DeploymentTotals } from '#host/server/deployment-totals.js';

const counts = (requests: number, errors: number, inFlight = 0, tunnels = 0) => ({
  deployment: 'shop@1',
  requests,
  errors,
  inFlight,
  tunnels,
});

describe('DeploymentTotals', () => {
  it('adds up what the fronts report, and takes the last current values of each', () => {
    const totals = new DeploymentTotals();
    totals.keep('shop@1');
    totals.add(1, [counts(3, 1, 2, 1)]);
    totals.add(2, [counts(4, 0, 5)]);
    totals.add(1, [counts(1, 1, 1)]);
    expect(totals.of('shop@1')).toEqual(counts(8, 2, 6, 0));
  });

  it('forgets what is in flight in a front that has ended, and nothing else', () => {
    const totals = new DeploymentTotals();
    totals.keep('shop@1');
    totals.add(1, [counts(3, 1, 2)]);
    totals.frontGone(1);
    expect(totals.of('shop@1')).toEqual(counts(3, 1));
  });

  it('keeps a deployment that has left the mapping until nothing of it is in flight', () => {
    const totals = new DeploymentTotals();
    totals.keep('shop@1');
    totals.add(1, [counts(3, 0, 1)]);
    totals.leave('shop@1');
    expect(totals.of('shop@1')).toEqual(counts(3, 0, 1));
    totals.add(1, [counts(1, 0)]);
    expect(totals.of('shop@1')).toEqual(counts(0, 0));
    totals.add(1, [counts(1, 0)]);
    expect(totals.of('shop@1').requests).toBe(0);
  });

  it('goes on with the counts of a deployment that comes back in time', () => {
    const totals = new DeploymentTotals();
    totals.keep('shop@1');
    totals.add(1, [counts(3, 0, 1)]);
    totals.leave('shop@1');
    totals.keep('shop@1');
    totals.add(1, [counts(1, 1)]);
    expect(totals.of('shop@1')).toEqual(counts(4, 1));
  });
});
