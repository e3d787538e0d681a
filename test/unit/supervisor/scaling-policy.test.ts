import { describe, expect, it } from '@jest/globals';
import { ScalingPolicy } from '#host/supervisor/scaling-policy.js';

const settings = { max: 4, upAbove: 0.7, downBelow: 0.2, queue: 100, coolDownMs: 60_000 };

/** What is decided at the end, when this load has lasted for so many seconds. */
function after(seconds: number, load: { instances: number; utilization: number; open?: number }) {
  const policy = new ScalingPolicy(2, settings);
  const decisions = Array.from({ length: seconds + 1 }, (_, second) =>
    policy.decide({ nowMs: second * 1000, open: 0, ...load }),
  );
  return decisions.at(-1);
}

describe('the number of instances', () => {
  it.each([
    ['grows when the loops are busy for a while', 3, { instances: 2, utilization: 0.8 }, 'up'],
    ['does not grow for one busy second', 1, { instances: 2, utilization: 1 }, undefined],
    ['does not grow beyond the most', 9, { instances: 4, utilization: 1 }, undefined],
    ['grows when requests pile up', 3, { instances: 2, utilization: 0.3, open: 101 }, 'up'],
    [
      'does not grow for open requests that do nothing',
      3,
      { instances: 2, utilization: 0.1, open: 900 },
      undefined,
    ],
    ['shrinks when they have been idle for the cool-down', 60, { instances: 3, utilization: 0.1 }, 'down'],
    ['does not shrink before', 59, { instances: 3, utilization: 0.1 }, undefined],
    ['does not shrink below the least', 99, { instances: 2, utilization: 0 }, undefined],
    ['rests in between', 99, { instances: 3, utilization: 0.5 }, undefined],
  ] as const)('%s', (_, seconds, load, decision) => {
    expect(after(seconds, load)).toBe(decision);
  });

  it('waits anew after each step, and after each interruption', () => {
    const policy = new ScalingPolicy(1, settings);
    const at = (second: number, utilization: number) =>
      policy.decide({ nowMs: second * 1000, instances: 2, utilization, open: 0 });
    expect([0, 1, 2].map((second) => at(second, 0.9))).toEqual([undefined, undefined, undefined]);
    expect(at(3, 0.5)).toBeUndefined();
    expect([4, 5, 6, 7].map((second) => at(second, 0.9))).toEqual([undefined, undefined, undefined, 'up']);
    expect([8, 9, 10].map((second) => at(second, 0.9))).toEqual([undefined, undefined, undefined]);
  });
});
