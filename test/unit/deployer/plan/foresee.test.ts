import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import {
  type ContentFact,
  type DeployedFact,
  type Foreseen,
  foresee,
  namesToLookInto,
} from '#host/deployer/plan/foresee.js';
import { type Known, plan, unknown } from '#host/deployer/plan/plan.js';
import { scanOf } from '#test/support/deployer/listed-scan.js';
import { fixturesFolder } from '#test/support/paths.js';

const SETTINGS = { stabilityWindowMs: 1000, incompleteWindowMs: 10_000 };

describe('foresee', () => {
  for (const { title, known, folder, deployed, contents, expected } of casesOf('foresee-cases.txt')) {
    it(title, () => {
      const from = { known: taken(known), scan: scanOf(folder), now: 50_000, settings: SETTINGS, deployed };
      expect(foresee({ ...from, contents }).map(textOf)).toEqual(expected);
      expect([...namesToLookInto(from)]).toEqual(expect.arrayContaining([...contents.keys()]));
    });
  }

  it('says that nothing is known of a folder that cannot be listed', () => {
    const from = { known: unknown(), scan: scanOf('(unreadable)'), now: 0, settings: SETTINGS };
    const all = foresee({ ...from, deployed: new Map(), contents: new Map() });
    expect(all.map(textOf)).toEqual([expect.stringMatching(/^wait: the drop folder cannot be listed/)]);
  });
});

/** What is known when everything that lay there has been taken. */
function taken(listing: string): Known {
  if (listing === '') return unknown();
  const first = plan(unknown(), scanOf(listing), 0, SETTINGS);
  return plan(first.known, scanOf(listing), 20_000, SETTINGS).known;
}

function textOf({ name, place, action, why }: Foreseen): string {
  return name === '' ? `${action}: ${why}` : `${action} ${name} at ${place}: ${why}`;
}

interface Case {
  readonly title: string;
  known: string;
  folder: string;
  readonly deployed: Map<string, DeployedFact>;
  readonly contents: Map<string, ContentFact>;
  readonly expected: string[];
}

function casesOf(file: string): Case[] {
  const cases: Case[] = [];
  for (const [index, line] of readFileSync(join(fixturesFolder, 'deployer', file), 'utf8')
    .split('\n')
    .entries()) {
    if (line.startsWith('#') || line.trim() === '') continue;
    const title = /^case (.+)$/.exec(line)?.[1];
    if (title !== undefined) {
      cases.push({ title, known: '', folder: '', deployed: new Map(), contents: new Map(), expected: [] });
      continue;
    }
    const [, verb, rest = ''] = /^ {2}(known|deployed|content|folder|->) +(.+)$/.exec(line) ?? [];
    const current = cases.at(-1);
    if (current === undefined || verb === undefined)
      throw new Error(`line ${index + 1} cannot be understood: ${line}`);
    if (verb === 'known' || verb === 'folder') current[verb] = rest;
    else if (verb === '->') current.expected.push(rest);
    else if (verb === 'deployed') current.deployed.set(...deployedOf(rest));
    else current.contents.set(...contentOf(rest));
  }
  return cases;
}

function deployedOf(text: string): [string, DeployedFact] {
  const match =
    /^(\S+) at (\S+)(?: version (\S+))? (serves|rests) (\S+)( held)?(?: pin (\d+) instead (\S+))?$/.exec(
      text,
    );
  if (match === null) throw new Error(`${text} cannot be understood`);
  const [, name = '', place = '', version = '', how, key, held, number, instead = ''] = match;
  const pin = number === undefined ? undefined : { number: Number(number), instead };
  return [name, { place, version, isServing: how === 'serves', key, isHeld: held !== undefined, pin }];
}

function contentOf(text: string): [string, ContentFact] {
  const problem = /^(\S+) problem (.+)$/.exec(text);
  if (problem !== null) return [problem[1] ?? '', { problem: problem[2] ?? '' }];
  const [, name = '', key = '', startWhen = 'eager', after = ''] =
    /^(\S+) (\S+)(?: (lazy|manual))?(?: after (\S+))?$/.exec(text) ?? [];
  const dependsOn = after === '' ? [] : after.split(',');
  return [name, { key, startWhen: startWhen as 'eager' | 'lazy' | 'manual', dependsOn }];
}
