import { describe, expect, it } from '@jest/globals';
import { type Choosable, chooseVersion } from '#host/front/versions/choose-version.js';

/** Beside one another: what serves, what it has replaced, a canary, and one that only gets copies. */
const SIDE_BY_SIDE: readonly Choosable[] = [
  { version: '3', pin: 'pin-3', weight: 10 },
  { version: '2', pin: 'pin-2', weight: 90 },
  { version: '1', pin: 'pin-1', weight: 0, isVeteran: true },
  { version: '4', pin: 'pin-4', weight: 0 },
];

const SESSIONS = ['connect.sid'];

describe('the version of a request', () => {
  it.each([
    // what the request says, random, version, found by
    [{}, 0, '3', 'share'],
    [{}, 0.0999, '3', 'share'],
    [{}, 0.1001, '2', 'share'],
    [{}, 0.9999, '2', 'share'],
    [{ cookies: ['portico-version=pin-1'] }, 0, '1', 'pin'],
    [{ cookies: ['a=b; portico-version=pin-2; c=d'] }, 0, '2', 'pin'],
    [{ cookies: ['a=b', 'portico-version="pin-2"'] }, 0, '2', 'pin'],
    // Of a context above this one, and ours behind it.
    [{ cookies: ['portico-version=elsewhere; portico-version=pin-1'] }, 0, '1', 'pin'],
    [{ cookies: ['portico-version=elsewhere'] }, 0.5, '2', 'share'],
    [{ cookies: ['portico-version=1'] }, 0.5, '2', 'share'],
    [{ cookies: ['portico-version=pin-1x'] }, 0.5, '2', 'share'],
    [{ cookies: ['portico-version='] }, 0.5, '2', 'share'],
    [{ cookies: ['Portico-Version=pin-1'] }, 0.5, '2', 'share'],
    [{ cookies: ['connect.sid=abc'] }, 0, '1', 'veteran'],
    [{ cookies: ['connect.sid=abc; portico-version=pin-3'] }, 0.5, '3', 'pin'],
    [{ cookies: ['other.sid=abc'] }, 0.5, '2', 'share'],
    [{ preview: '3', cookies: ['portico-version=pin-1'] }, 0.5, '3', 'preview'],
    [{ preview: '4' }, 0.5, '4', 'preview'],
    [{ preview: '5' }, 0.5, undefined, 'preview'],
  ] as const)('%j at %d is %s, by %s', (said, random, version, by) => {
    const wish = { preview: undefined, cookies: [], ...said };
    const choice = chooseVersion(SIDE_BY_SIDE, wish, SESSIONS, random);
    expect([SIDE_BY_SIDE[choice.index]?.version, choice.by]).toEqual([version, by]);
  });

  it('never gives a new client a version without a weight', () => {
    for (const random of [0, 0.25, 0.5, 0.75, 1 - Number.EPSILON]) {
      const versions = SIDE_BY_SIDE.map((one) => ({ ...one, weight: one.version === '2' ? 100 : 0 }));
      expect(versions[chooseVersion(versions, { preview: undefined, cookies: [] }, [], random).index]).toBe(
        versions[1],
      );
    }
  });

  it('sends the session of before nowhere when its version is gone', () => {
    const versions = SIDE_BY_SIDE.filter(({ version }) => version !== '1');
    const wish = { preview: undefined, cookies: ['connect.sid=abc'] };
    expect(chooseVersion(versions, wish, SESSIONS, 0.5)).toEqual({ index: 1, by: 'share' });
  });
});
