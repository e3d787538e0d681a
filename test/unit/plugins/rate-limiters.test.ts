import { describe, expect, it } from '@jest/globals';
import { RateLimiters } from '#host/plugins/rate-limit/limiters.js';

describe('the limiters of a rate limit', () => {
  it('forget the oldest key when there are too many', () => {
    const limiters = new RateLimiters(1, 1000, 2);
    expect(limiters.of('a', 0).take(1, 0)).toBe(true);
    limiters.of('b', 0);
    expect(limiters.of('a', 0).take(1, 0)).toBe(false);
    limiters.of('c', 0);
    expect(limiters.size).toBe(2);
    expect(limiters.of('a', 0).take(1, 0)).toBe(true);
  });

  it('forget keys whose limit is full again', () => {
    const limiters = new RateLimiters(1, 1000, 100);
    for (const key of ['a', 'b', 'c']) limiters.of(key, 0);
    limiters.of('d', 2500);
    expect(limiters.size).toBe(1);
  });
});
