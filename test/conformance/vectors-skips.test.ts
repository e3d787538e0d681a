import { describe, expect, it } from '@jest/globals';
import { readVectors } from '#test/support/vectors.js';

interface Skip {
  readonly groups?: readonly string[];
  /** `group name` of single cases. */
  readonly cases?: readonly string[];
  readonly reason: string;
}

/** What the tests beside this one run of files whose skips are groups. */
const RUN: Readonly<Record<string, readonly string[]>> = {
  'path-decoding': ['segments', 'decode', 'encode', 'normalizeComponents', 'staticTraversal'],
};

const skips = Object.entries(readVectors<Record<string, Skip>>('skips'));

describe('an entry of skips.json is needed:', () => {
  it.each(Object.entries(RUN))('the groups of %s, which are all that is not run', (file, run) => {
    const { groups = [] } = readVectors<Record<string, Skip>>('skips')[file] ?? {};
    const all = Object.keys(readVectors<object>(file)).filter((key) => !key.startsWith('schema'));
    expect([...groups].sort()).toEqual(all.filter((key) => !run.includes(key)).sort());
  });

  it.each(skips.filter(([, { cases }]) => cases !== undefined))(
    'the cases of %s, which are there',
    (file, { cases = [] }) => {
      const groups = readVectors<Record<string, unknown>>(file);
      const missing = cases.filter((one) => {
        const [group = ''] = one.split(' ');
        const name = one.slice(group.length + 1);
        return !JSON.stringify(groups[group] ?? '').includes(JSON.stringify(name));
      });
      expect(missing).toEqual([]);
    },
  );

  it('for none but these reasons', () => {
    const kinds = ['groups', 'steps', 'cases'];
    expect(skips.filter(([, skip]) => !kinds.some((kind) => kind in skip))).toEqual([]);
  });
});
