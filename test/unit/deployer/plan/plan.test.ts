import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type Action, plan, unknown } from '#host/deployer/plan/plan.js';
import { scanOf } from '#test/support/deployer/listed-scan.js';
import { fixturesFolder } from '#test/support/paths.js';

const SETTINGS = { stabilityWindowMs: 1000, incompleteWindowMs: 10_000 };

describe('plan', () => {
  for (const { title, journal, steps } of casesOf(join(fixturesFolder, 'deployer/plan-cases.txt'))) {
    it(title, () => {
      let known = unknown(journal.holders, journal.buried);
      for (const { line, now, listing, expected } of steps) {
        const next = plan(known, scanOf(listing), now, SETTINGS);
        expect(`${line}: ${next.actions.map(textOf).sort().join('; ') || 'nothing'}`).toBe(
          `${line}: ${expected.split(/;\s*/).sort().join('; ')}`,
        );
        known = next.known;
      }
    });
  }

  it('asks to be called again when something will be due', () => {
    const first = plan(unknown(), scanOf('shop/=a'), 0, SETTINGS);
    expect(first.wakeInMs).toBe(1000);
    expect(plan(first.known, scanOf('shop/=a'), 400, SETTINGS).wakeInMs).toBe(600);
    const taken = plan(first.known, scanOf('shop/=a'), 1000, SETTINGS);
    expect(taken.wakeInMs).toBeUndefined();
  });

  it('asks to be called again when it is time to say that an archive has no end', () => {
    const first = plan(unknown(), scanOf('shop.tgz=a?'), 0, SETTINGS);
    expect(first).toMatchObject({ wakeInMs: 1000, waiting: [] });
    const said = plan(first.known, scanOf('shop.tgz=a?'), 1000, SETTINGS);
    expect(said.waiting).toHaveLength(1);
    expect(said.wakeInMs).toBe(9000);
  });

  it('calls a descriptor without a bundle by the name it has', () => {
    const { actions } = plan(unknown(), scanOf('shop.yml=d'), 0, SETTINGS);
    expect(actions).toMatchObject([{ message: expect.stringMatching(/^shop\.yml has no effect/) }]);
  });
});

interface Step {
  readonly line: number;
  readonly now: number;
  readonly listing: string;
  readonly expected: string;
}

interface Case {
  readonly title: string;
  readonly journal: { holders: [string, string][]; buried: [string, string][] };
  readonly steps: Step[];
}

function casesOf(file: string): Case[] {
  const cases: Case[] = [];
  for (const [index, text] of readFileSync(file, 'utf8').split('\n').entries()) {
    if (text.startsWith('#') || text.trim() === '') continue;
    const title = /^case (.+)$/.exec(text)?.[1];
    if (title !== undefined) {
      cases.push({ title, journal: { holders: [], buried: [] }, steps: [] });
      continue;
    }
    const current = cases.at(-1);
    const held = /^ journal {2}(\S+) is held by (\S+)$/.exec(text);
    const buried = /^ journal {2}(\S+) is buried as (\S+)$/.exec(text);
    const step = /^\s*(\d+) {2}(.+?)\s+-> {2}(.+)$/.exec(text);
    if (held) current?.journal.holders.push([held[1] ?? '', held[2] ?? '']);
    else if (buried) current?.journal.buried.push([buried[1] ?? '', `/apps/${buried[2]};`]);
    else if (step) {
      const [, now, listing = '', expected = ''] = step;
      current?.steps.push({ line: index + 1, now: Number(now), listing, expected });
    } else throw new Error(`line ${index + 1} cannot be understood: ${text}`);
  }
  return cases;
}

function textOf(action: Action): string {
  switch (action.kind) {
    case 'take':
      return `take ${action.candidate.name} from ${action.candidate.sources[0]?.path.replace('/apps/', '')}`;
    case 'remove':
      return `remove ${action.name}`;
    case 'report':
      return `report ${action.code} for ${action.name || 'the folder'}`;
    case 'recovered':
      return 'recovered';
  }
}
