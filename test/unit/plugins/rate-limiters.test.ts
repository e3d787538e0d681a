import { describe, expect, it } from '@jest/globals';
import { routing } from 'portico';
import { RateLimit, type RateLimitSettings, rateLimit } from 'portico/plugins/rate-limit';
import { testApplication } from 'portico/testing';
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

  it('lock nobody out for longer than a period when the clock is set back', () => {
    const limiters = new RateLimiters(1, 1000, 100);
    expect(limiters.of('a', 1_000_000).take(1, 1_000_000)).toBe(true);
    expect(limiters.of('a', 999_500).take(1, 999_500)).toBe(false);
    expect(limiters.of('a', 5000).take(1, 5000)).toBe(false);
    expect(limiters.of('a', 5999).take(1, 5999)).toBe(false);
    expect(limiters.of('a', 6000).take(1, 6000)).toBe(true);
  });

  it('are swept also when the clock was set back', () => {
    const limiters = new RateLimiters(1, 1000, 100);
    limiters.of('a', 1_000_000);
    limiters.of('b', 5000);
    limiters.of('c', 6001);
    limiters.of('d', 7001);
    expect(limiters.size).toBe(2);
  });
});

describe('RateLimit', () => {
  async function statuses(settings: Partial<RateLimitSettings>): Promise<number[]> {
    const application = await testApplication((app) => {
      app.install(RateLimit, (config) => config.register({ limit: 1, refillPeriodMs: 60_000, ...settings }));
      routing(app, (r) => rateLimit(r, (r) => r.get('/', () => 'in')));
    });
    const first = await application.client.get('/');
    const second = await application.client.get('/');
    await application.stop();
    return [first.status, second.status];
  }

  it('waits for a key that takes time', async () => {
    expect(await statuses({ requestKey: async () => 'everybody' })).toEqual([200, 429]);
    expect(await statuses({ requestKey: () => Math.random() })).toEqual([200, 200]);
  });

  it.each([Number.NaN, -1])('does not count by a weight of %s', async (weight) => {
    expect(await statuses({ requestWeight: () => weight })).toEqual([500, 500]);
    expect(await statuses({ requestWeight: () => 0 })).toEqual([200, 200]);
  });
});
