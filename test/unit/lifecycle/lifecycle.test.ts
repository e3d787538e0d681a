import { describe, expect, it } from '@jest/globals';
import { Lifecycle, type LifecycleState, type LifecycleVerb } from '#host/lifecycle/lifecycle.js';

/** The verbs that lead to a state. */
const WAY: Readonly<Record<LifecycleState, readonly LifecycleVerb[]>> = {
  new: [],
  starting: ['start'],
  started: ['start', 'finish starting'],
  stopping: ['start', 'finish starting', 'stop'],
  stopped: ['start', 'finish starting', 'stop', 'finish stopping'],
  failed: ['fail'],
};

/** State, verb, state afterwards; `-` is illegal. */
const TABLE = `
  new       start            starting
  new       finish starting  -
  new       stop             stopping
  new       finish stopping  -
  new       fail             failed
  starting  start            -
  starting  finish starting  started
  starting  stop             stopping
  starting  finish stopping  -
  starting  fail             failed
  started   start            -
  started   finish starting  -
  started   stop             stopping
  started   finish stopping  -
  started   fail             failed
  stopping  start            -
  stopping  finish starting  -
  stopping  stop             -
  stopping  finish stopping  stopped
  stopping  fail             failed
  stopped   start            -
  stopped   finish starting  -
  stopped   stop             -
  stopped   finish stopping  -
  stopped   fail             failed
  failed    start            -
  failed    finish starting  -
  failed    stop             stopping
  failed    finish stopping  -
  failed    fail             failed`;

const rows = TABLE.trim()
  .split('\n')
  .map((row) => row.trim().split(/ {2,}/) as [LifecycleState, LifecycleVerb, LifecycleState | '-']);

describe('a lifecycle', () => {
  it.each(rows)('that is %s: %s → %s', (from, verb, to) => {
    const lifecycle = new Lifecycle('front 1');
    for (const step of WAY[from]) lifecycle.apply(step);
    expect(lifecycle.state).toBe(from);
    if (to === '-') {
      expect(() => lifecycle.apply(verb)).toThrow(new RegExp(`^Cannot ${verb}: front 1 is ${from}\\.`));
      expect(lifecycle.state).toBe(from);
    } else {
      lifecycle.apply(verb);
      expect(lifecycle.state).toBe(to);
    }
  });

  it('names component, state and wish when it is not started', () => {
    const lifecycle = new Lifecycle('supervisor');
    expect(() => lifecycle.requireStarted('launch shop')).toThrow(
      expect.objectContaining({
        code: 'PORTICO_ILLEGAL_STATE',
        message: 'Cannot launch shop: supervisor is new. This is possible only when it is started.',
      }),
    );
  });
});
