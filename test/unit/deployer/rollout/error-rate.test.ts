import { describe, expect, it } from '@jest/globals';
import { countsSince, errorRateOf, judgeErrorRate } from '#host/deployer/rollout/error-rate.js';

const limit = { maxErrorRate: 0.1, minRequests: 20 };

describe('judgeErrorRate', () => {
  it.each([
    ['says nothing of too few requests', { requests: 19, errors: 19 }, undefined, 'undecided'],
    ['says nothing without a request', { requests: 0, errors: 0 }, undefined, 'undecided'],
    ['takes the limit itself as good', { requests: 20, errors: 2 }, undefined, 'good'],
    ['finds more than the limit bad', { requests: 20, errors: 3 }, undefined, 'bad'],
    [
      'allows as much more than what it replaces',
      { requests: 100, errors: 60 },
      { requests: 100, errors: 50 },
      'good',
    ],
    [
      'finds what is worse than that bad',
      { requests: 100, errors: 61 },
      { requests: 100, errors: 50 },
      'bad',
    ],
    [
      'does not compare with too few requests',
      { requests: 100, errors: 60 },
      { requests: 10, errors: 10 },
      'bad',
    ],
  ] as const)('%s', (_, counts, baseline, verdict) => {
    expect(judgeErrorRate(counts, limit, baseline)).toBe(verdict);
  });

  it('needs one request also when the limit asks for none', () => {
    const none = { maxErrorRate: 0, minRequests: 0 };
    expect(judgeErrorRate({ requests: 0, errors: 0 }, none)).toBe('undecided');
    expect(judgeErrorRate({ requests: 1, errors: 1 }, none)).toBe('bad');
  });
});

describe('countsSince', () => {
  it('gives the difference of growing counts', () => {
    expect(countsSince({ requests: 10, errors: 2 }, { requests: 15, errors: 3 })).toEqual({
      requests: 5,
      errors: 1,
    });
  });

  it('takes a counter that went back for one that has begun anew', () => {
    expect(countsSince({ requests: 10, errors: 2 }, { requests: 4, errors: 1 })).toEqual({
      requests: 4,
      errors: 1,
    });
  });
});

describe('errorRateOf', () => {
  it('is a share between 0 and 1', () => {
    expect(errorRateOf({ requests: 0, errors: 0 })).toBe(0);
    expect(errorRateOf({ requests: 4, errors: 1 })).toBe(0.25);
    expect(errorRateOf({ requests: 1, errors: 2 })).toBe(1);
  });
});
