import { describe, expect, it } from '@jest/globals';
import { UrlBuilder } from '#host/http/url-builder.js';
import { readVectors } from '#test/support/vectors.js';

interface UrlCase {
  readonly url?: string;
  readonly base?: string;
  readonly ops?: readonly (readonly [op: string, name: string, value: string])[];
  readonly expect: { readonly string?: string };
}

const { cases } = readVectors<{ cases: UrlCase[] }>('url-parsing');
const skipped = readVectors<Record<string, { cases?: string[] }>>('skips')['url-parsing']?.cases ?? [];

describe('vectors url-parsing', () => {
  it.each(cases.filter(({ url }) => !skipped.includes(`cases ${url}`)))('builds $expect.string', (one) => {
    const url = new UrlBuilder(one.base);
    for (const [op, name, value] of one.ops ?? []) {
      if (op !== 'appendParameter') throw new Error(`no operation ${op}`);
      url.parameter(name, value);
    }
    expect(url.toString()).toBe(one.expect.string);
  });
});
