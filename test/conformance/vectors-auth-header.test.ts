import { describe, expect, it } from '@jest/globals';
import { type AuthHeader, parseAuthHeader, parseChallenges } from '#host/http/auth-header.js';
import { readVectors } from '#test/support/vectors.js';

interface Expected {
  readonly kind: 'parameterized';
  readonly scheme: string;
  readonly params: readonly [string, string][];
}
interface Vectors {
  readonly single: readonly { readonly header: string; readonly expect: Expected }[];
  readonly multiple: readonly { readonly header: string; readonly expect: readonly Expected[] }[];
}

const { single, multiple } = readVectors<Vectors>('auth-header');

function headerOf({ params, ...rest }: Expected): AuthHeader {
  return { ...rest, parameters: params };
}

describe('auth-header', () => {
  it.each(single)('$header', (one) => {
    expect(parseAuthHeader(one.header)).toEqual(headerOf(one.expect));
  });

  it.each(multiple)('$header', (one) => {
    expect(parseChallenges(one.header)).toEqual(one.expect.map(headerOf));
  });
});
