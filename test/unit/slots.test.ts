import { describe, expect, it } from '@jest/globals';
import { Slots } from '#host/slots.js';

const NEVER = new AbortController().signal;

/** A task that says when it has begun, and ends when it is told. */
function task(begun: string[], name: string) {
  let end: () => void = () => undefined;
  const over = new Promise<void>((resolve) => {
    end = resolve;
  });
  const run = async (): Promise<string> => {
    begun.push(name);
    await over;
    return name;
  };
  return { run, end };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('slots', () => {
  it('let so many run at a time, the others in their order', async () => {
    const slots = new Slots(2);
    const begun: string[] = [];
    const tasks = ['a', 'b', 'c', 'd'].map((name) => task(begun, name));
    const results = tasks.map(({ run }) => slots.run(run, NEVER));
    await turn();
    expect(begun).toEqual(['a', 'b']);
    tasks[1]?.end();
    await results[1];
    await turn();
    expect(begun).toEqual(['a', 'b', 'c']);
    for (const { end } of tasks) end();
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('give the slot of a slow one to the next, once', async () => {
    const slots = new Slots(1, 20);
    const begun: string[] = [];
    const [slow, next, last] = ['slow', 'next', 'last'].map((name) => task(begun, name));
    const results = [slow, next, last].map((one) => slots.run(one?.run ?? (async () => ''), NEVER));
    await turn();
    expect(begun).toEqual(['slow']);
    while (begun.length < 2) await turn();
    // The slot that the slow one had is not free a second time.
    slow?.end();
    next?.end();
    expect(await Promise.all(results.slice(0, 2))).toEqual(['slow', 'next']);
    await turn();
    expect(begun).toEqual(['slow', 'next', 'last']);
    const further = task(begun, 'further');
    const waits = slots.run(further.run, NEVER);
    last?.end();
    further.end();
    expect(await waits).toBe('further');
  });

  it('let go who does not want to wait any more', async () => {
    const slots = new Slots(1);
    const begun: string[] = [];
    const [first, second] = [task(begun, 'first'), task(begun, 'second')];
    const running = slots.run(first.run, NEVER);
    const abort = new AbortController();
    const waiting = slots.run(second.run, abort.signal);
    abort.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    first.end();
    await running;
    expect(begun).toEqual(['first']);
  });
});
