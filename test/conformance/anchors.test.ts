import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { readCorpus } from '#test/support/http1-corpus/case.js';
import { fixturesFolder, repositoryFolder } from '#test/support/paths.js';

/** What other servers get wrong in HTTP/1.1, and which cases and tests show that it is right here. */
interface Anchor {
  readonly who: readonly string[];
  readonly what: string;
  /** `file: name` of cases of the corpus; all of them are tests. */
  readonly cases: readonly string[];
  /** `path: words` that stand in the test file. */
  readonly tests?: readonly string[];
}

const anchors = JSON.parse(readFileSync(join(fixturesFolder, 'anchors.json'), 'utf8')) as Anchor[];
const corpus = readCorpus();
const names = [...corpus].flatMap(([file, cases]) => cases.map(({ name }) => `${file}: ${name}`));

it.each(anchors.map((one) => [`${one.who.join(', ')} ${one.what}`, one] as const))(
  'shows that this is right here: %s',
  (_name, { cases, tests = [] }) => {
    expect(cases.length + tests.length).toBeGreaterThan(0);
    expect(cases.filter((name) => !names.includes(name))).toEqual([]);
    const missing = tests.filter((test) => {
      const [path = '', words = ''] = test.split(': ');
      return !readFileSync(join(repositoryFolder, path), 'utf8').includes(words);
    });
    expect(missing).toEqual([]);
  },
);

it("names a difference in every case that shows a mistake of node:http's", () => {
  const cases = new Map(
    [...corpus].flatMap(([file, list]) => list.map((one) => [`${file}: ${one.name}`, one])),
  );
  const ofNode = anchors.filter(({ who }) => who.length === 1 && who[0] === 'node:http');
  const agreed = ofNode.flatMap((one) => one.cases).filter((name) => cases.get(name)?.node === undefined);
  expect(agreed).toEqual([]);
});
