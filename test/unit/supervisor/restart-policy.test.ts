import { describe, expect, it } from '@jest/globals';
import { decideRestart } from '#host/supervisor/restart-policy.js';

const settings = { minDelayMs: 500, maxDelayMs: 6000, maxCrashes: 6, windowMs: 60_000 };

/** Seconds at which it crashed (the last is now), random, decision. */
const TABLE = `
  0                    0     after 250
  0                    0.5   after 375
  0                    0.999 after 500
  0 1                  0     after 250
  0 1                  0.999 after 999
  0 1 2                0.999 after 1998
  0 1 2 3              0.999 after 3996
  0 1 2 3 4            0.5   after 3125
  0 1 2 3 4            0.999 after 5994
  0 1 2 3 4 5          0     give up
  0 59                 0.999 after 999
  0 60                 0.999 after 500
  0 1 2 3 4 61         0.999 after 3996
  0 10 20 30 40 50 59  0.5   give up
  0 20 40 60 80 100    0.999 after 1998`;

describe('the restart policy', () => {
  it.each(TABLE.trim().split('\n'))('%s', (row) => {
    const [, times = '', random = '', decision = ''] =
      /^\s*([\d ]+?)\s{2,}(\S+)\s+(.*)$/.exec(`  ${row.trim()}`) ?? [];
    const crashes = times.split(' ').map((second) => Number(second) * 1000);
    const decided = decideRestart(crashes, crashes.at(-1) ?? 0, settings, Number(random));
    expect(decided.kind === 'give-up' ? 'give up' : `after ${decided.delayMs}`).toBe(decision);
  });

  it('never overflows, and keeps within the bounds', () => {
    const many = { ...settings, maxCrashes: 10_000, windowMs: 1e9 };
    for (let count = 1; count < 5000; count += 7) {
      const decided = decideRestart(Array(count).fill(0), 0, many, Math.random());
      const delay = decided.kind === 'restart' ? decided.delayMs : Number.NaN;
      expect(delay).toBeGreaterThanOrEqual(250);
      expect(delay).toBeLessThanOrEqual(6000);
    }
  });

  it('gives up a trial that crashes within the window, and forgets that it was one afterwards', () => {
    const at = (nowMs: number) => decideRestart([nowMs], nowMs, settings, 0, 1000);
    expect(at(60_999)).toEqual({ kind: 'give-up', crashesInWindow: 1, retryInMs: 300_000 });
    expect(at(61_000).kind).toBe('restart');
  });

  it('tells when what was given up is tried again', () => {
    const given = (retryAfterMs: number) =>
      decideRestart([0], 0, { ...settings, maxCrashes: 1, retryAfterMs }, 0);
    expect(given(5000)).toMatchObject({ retryInMs: 5000 });
    expect(given(0)).toMatchObject({ retryInMs: undefined });
  });
});
