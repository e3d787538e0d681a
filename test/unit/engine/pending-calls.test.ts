import { describe, expect, it } from '@jest/globals';
import type { ApplicationCall } from '#host/application/application-call.js';
import { PendingCalls } from '#host/engine/pending-calls.js';

/** The list never looks into a call. */
function callNamed(name: string): ApplicationCall {
  return { name } as unknown as ApplicationCall;
}

function namesOf(calls: PendingCalls): unknown[] {
  return calls.all().map(({ call }) => Reflect.get(call, 'name'));
}

describe('calls under way', () => {
  it.each([
    ['first', ['b', 'c']],
    ['middle', ['a', 'c']],
    ['last', ['a', 'b']],
  ])('keep their order when the %s one ends', (which, left) => {
    const calls = new PendingCalls();
    const [a, b, c] = ['a', 'b', 'c'].map((name, i) => calls.add(callNamed(name), i)) as [
      ReturnType<PendingCalls['add']>,
      ReturnType<PendingCalls['add']>,
      ReturnType<PendingCalls['add']>,
    ];
    calls.remove({ first: a, middle: b, last: c }[which] ?? a);
    expect(namesOf(calls)).toEqual(left);
    calls.add(callNamed('d'), 3);
    expect(namesOf(calls)).toEqual([...left, 'd']);
    expect(calls.size).toBe(3);
  });

  it('are removed once, and the list can be empty and filled again', () => {
    const calls = new PendingCalls();
    const a = calls.add(callNamed('a'), 0);
    const b = calls.add(callNamed('b'), 1);
    calls.remove(a);
    calls.remove(a);
    expect(calls.size).toBe(1);
    calls.remove(b);
    expect(namesOf(calls)).toEqual([]);
    calls.add(callNamed('c'), 2);
    expect(namesOf(calls)).toEqual(['c']);
    expect(calls.size).toBe(1);
  });

  it('lead nowhere when they have ended: what comes later can be collected without them', () => {
    const calls = new PendingCalls();
    const ended = calls.add(callNamed('ended'), 0);
    const later = calls.add(callNamed('later'), 1);
    calls.remove(ended);
    expect(Object.values(ended)).not.toContain(later);
  });
});
