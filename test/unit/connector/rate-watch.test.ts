import { describe, expect, it } from '@jest/globals';
import { Pace, RateWatch } from '#host/connector/rate-watch.js';
import { SweepClock } from '#host/connector/sweep-clock.js';

const PAUSE_MS = 10_000;
const RATE = 100;

/** Looks once a second, from second 0 on; `moved` gives all bytes until then. The second of the cut, and its reason. */
function cut(seconds: number, moved: (second: number) => number, rate = RATE): [number, Pace] | undefined {
  const watch = new RateWatch();
  for (let second = 0; second <= seconds; second++) {
    const pace = watch.look(moved(second), second * 1000, PAUSE_MS, rate);
    if (pace !== Pace.FAST_ENOUGH) return [second, pace];
  }
  return undefined;
}

describe('a client that is watched for its rate', () => {
  it('is never cut at the least rate', () => {
    expect(cut(1000, (second) => second * RATE)).toBeUndefined();
  });

  it('may stop for less than a pause, if it is fast otherwise', () => {
    expect(cut(1000, (second) => Math.floor(second / 9) * 9 * 1000)).toBeUndefined();
  });

  it('is cut when it stops for a whole pause', () => {
    expect(cut(1000, (second) => Math.min(second, 15) * 1000)).toEqual([25, Pace.STOPPED]);
  });

  it('is cut when it has never begun', () => {
    expect(cut(1000, () => 0)).toEqual([10, Pace.STOPPED]);
  });

  it('is cut when it drips, after one period', () => {
    expect(cut(1000, (second) => second)).toEqual([10, Pace.TOO_SLOW]);
  });

  it('does not pay with a burst for the drip behind it', () => {
    expect(cut(1000, (second) => 1_000_000_000 + second)).toEqual([10, Pace.TOO_SLOW]);
    expect(cut(1000, (second) => (second < 12 ? second * 1_000_000 : 12_000_000 + second))).toEqual([
      30,
      Pace.TOO_SLOW,
    ]);
  });

  it('may drip where no rate is asked for', () => {
    expect(cut(1000, (second) => second, 0)).toBeUndefined();
    expect(cut(1000, (second) => Math.min(second, 3), 0)).toEqual([13, Pace.STOPPED]);
  });

  it('owes nothing for the time in which it was not its turn', () => {
    const watch = new RateWatch();
    for (let second = 0; second < 1000; second++) {
      if (second % 9 === 8) watch.rest();
      else expect(watch.look(0, second * 1000, PAUSE_MS, RATE)).toBe(Pace.FAST_ENOUGH);
    }
  });
});

describe('the clock of deadlines', () => {
  it('goes on by little when the process has stood still', () => {
    const clock = new SweepClock(0, 10);
    const began = clock.now;
    const end = performance.now() + 200;
    while (performance.now() < end);
    expect(clock.tick() - began).toBe(20);
    expect(clock.tick() - began).toBeLessThan(41);
  });

  it('does not count the time without sweeps', () => {
    const clock = new SweepClock(0, 1000);
    const began = clock.now;
    const end = performance.now() + 50;
    while (performance.now() < end);
    clock.restart();
    expect(clock.tick() - began).toBeLessThan(50);
  });
});
