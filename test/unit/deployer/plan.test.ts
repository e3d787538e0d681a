import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseContextName } from '#host/bundle/context-name.js';
import type { BundleSource, Candidate, Refusal, Scan } from '#host/deployer/candidate.js';
import { roleOf } from '#host/deployer/file-name.js';
import { type Action, plan, unknown } from '#host/deployer/plan.js';
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

interface Draft {
  sources: BundleSource[];
  elsewhere: BundleSource | undefined;
  descriptor: Candidate['descriptor'];
  marker: Candidate['marker'];
  contextPath: string | undefined;
  host: string | undefined;
}

function scanOf(listing: string): Scan {
  if (listing.includes('(unreadable)')) return { kind: 'unreadable', reason: 'EIO: i/o error' };
  const identity = listing.includes('(other folder)') ? '1:99' : '1:1';
  const drafts = new Map<string, Draft>();
  const refused: Refusal[] = [];
  for (const text of listing
    .replace('(other folder)', '')
    .replace('(nothing)', '')
    .split(/\s+(?![^(]*\))/)) {
    if (text === '') continue;
    const match = /^([^=]+)=([^(]*)(?:\((.*)\))?$/.exec(text);
    if (match === null) throw new Error(`entry ${text} cannot be understood`);
    const [, entry = '', signature = '', notes = ''] = match;
    const isFolder = entry.endsWith('/');
    const role = roleOf(isFolder ? entry.slice(0, -1) : entry, isFolder ? 'folder' : 'file');
    if (!('name' in role)) throw new Error(`entry ${text} is passed over`);
    const named = parseContextName(role.name);
    if (!named.ok) {
      refused.push({ entry: role.name, code: 'PORTICO_NAME_INVALID', reason: named.reason });
      continue;
    }
    const draft = drafts.get(role.name) ?? {
      sources: [],
      elsewhere: undefined,
      descriptor: undefined,
      marker: undefined,
      contextPath: undefined,
      host: undefined,
    };
    drafts.set(role.name, draft);
    const quietMs = Number(/quiet=(\d+)/.exec(notes)?.[1] ?? 0);
    if (role.role === 'marker') draft.marker = { path: entry, signature };
    else if (role.role === 'descriptor') {
      draft.descriptor = { path: entry, signature, content: signature, quietMs, problem: undefined };
      draft.contextPath = /context=([^,]+)/.exec(notes)?.[1];
      draft.host = /host=([^,]+)/.exec(notes)?.[1];
      const bundle = /bundle=([^=]+)=([^,]+)/.exec(notes);
      if (bundle) draft.elsewhere = sourceOf(bundle[1] ?? '', bundle[2] ?? '', quietMs);
    } else draft.sources.push(sourceOf(`/apps/${entry}`, signature, quietMs));
  }
  const candidates = [...drafts].map(([name, draft]): Candidate => {
    const named = parseContextName(name);
    if (!named.ok) throw new Error(named.reason);
    const sources = draft.sources.sort((left, right) => rank(left.path) - rank(right.path));
    return {
      name,
      context: {
        ...named.value,
        contextPath: draft.contextPath ?? named.value.contextPath,
        host: draft.host,
      },
      sources: draft.elsewhere === undefined ? sources : [draft.elsewhere, ...sources],
      descriptor: draft.descriptor,
      marker: draft.marker,
    };
  });
  candidates.sort((left, right) => (left.name < right.name ? -1 : 1));
  return { kind: 'listed', identity, candidates, refused };
}

function sourceOf(path: string, text: string, quietMs: number): BundleSource {
  return {
    kind: path.endsWith('/') ? 'folder' : 'archive',
    path,
    signature: text.replace(/[?!]$/, ''),
    complete: !text.endsWith('?'),
    quietMs,
    problem: text.endsWith('!') ? 'EACCES: permission denied' : undefined,
  };
}

function rank(path: string): number {
  return ['.tgz', '.tar.gz', '.zip', '/'].findIndex((ending) => path.endsWith(ending));
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
