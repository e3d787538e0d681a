import { describe, expect, it } from '@jest/globals';
import { Dependencies, type DependencyNode, judgeDependencies } from '#host/deployer/rollout/dependencies.js';

/** `a up`, `b##2 coming <- a c`: state, and what it depends on. */
function nodes(...lines: readonly string[]): Map<string, DependencyNode> {
  return new Map(
    lines.map((line) => {
      const [, name = '', state = '', names = ''] = /^(\S+) (up|coming|down)(?: <- (.+))?$/.exec(line) ?? [];
      const dependsOn = names === '' ? [] : names.split(' ');
      return [name, { application: name.replace(/##.*/, ''), dependsOn, state: state as 'up' }];
    }),
  );
}

describe('judgeDependencies', () => {
  it.each([
    ['goes without any', [], ['a up'], { kind: 'go', down: [] }],
    ['goes when all are up', ['b', 'c'], ['b up', 'c up'], { kind: 'go', down: [] }],
    ['waits for those that come', ['b', 'c'], ['b up', 'c coming'], { kind: 'wait', for: ['c'] }],
    ['does not wait for what has failed', ['b'], ['b down'], { kind: 'go', down: ['b'] }],
    ['takes any version of an application', ['b'], ['b##1 down', 'b##2 up'], { kind: 'go', down: [] }],
    ['waits for any version that comes', ['b'], ['b##1 down', 'b##2 coming'], { kind: 'wait', for: ['b'] }],
    [
      'takes the one version that is named',
      ['b##1'],
      ['b##1 down', 'b##2 up'],
      { kind: 'go', down: ['b##1'] },
    ],
    ['refuses what is not there', ['b', 'x'], ['b up'], { kind: 'missing', names: ['x'] }],
    ['refuses itself', ['a'], ['a coming'], { kind: 'cycle', path: ['a', 'a'] }],
    [
      'refuses a circle',
      ['b'],
      ['a coming', 'b coming <- c', 'c coming <- a'],
      { kind: 'cycle', path: ['a', 'b', 'c', 'a'] },
    ],
    [
      'does not mind a circle of others',
      ['b'],
      ['a coming', 'b down <- c', 'c down <- b'],
      { kind: 'go', down: ['b'] },
    ],
  ] as const)('%s', (_, dependsOn, lines, expected) => {
    expect(judgeDependencies('a', dependsOn, nodes(...lines))).toEqual(expected);
  });
});

describe('Dependencies', () => {
  const never = new AbortController().signal;

  it('lets a start wait until what it depends on is up', async () => {
    let now = nodes('a coming <- b', 'b coming');
    const dependencies = new Dependencies(
      () => now,
      () => undefined,
    );
    let isReady = false;
    const ready = dependencies.ready('a', ['b'], never).then((down) => {
      isReady = true;
      return down;
    });
    dependencies.changed();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(isReady).toBe(false);
    now = nodes('a coming <- b', 'b up');
    dependencies.changed();
    expect(await ready).toEqual([]);
  });

  it('ends the wait with the reason of the start that is given up', async () => {
    const dependencies = new Dependencies(
      () => nodes('b coming'),
      () => undefined,
    );
    const abort = new AbortController();
    const ready = dependencies.ready('a', ['b'], abort.signal);
    abort.abort(new Error('stopped by an operator'));
    await expect(ready).rejects.toThrow('stopped by an operator');
  });

  it('has those tried again whose dependencies are in order at last', async () => {
    let now = nodes('a down <- b');
    const retried: string[] = [];
    const dependencies = new Dependencies(
      () => now,
      (name) => retried.push(name),
    );
    await expect(dependencies.ready('a', ['b'], never)).rejects.toMatchObject({
      code: 'PORTICO_DEPENDENCY_UNKNOWN',
    });
    dependencies.changed();
    await new Promise((resolve) => setImmediate(resolve));
    expect(retried).toEqual([]);
    now = nodes('a down <- b', 'b coming');
    dependencies.changed();
    dependencies.changed();
    await new Promise((resolve) => setImmediate(resolve));
    expect(retried).toEqual(['a']);
  });
});
