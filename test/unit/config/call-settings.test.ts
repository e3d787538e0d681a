import { describe, expect, it } from '@jest/globals';
import {
  applySettings,
  DEFAULT_APPLICATION_SETTINGS,
  settingsSchema,
} from '#host/config/application-settings.js';
import { withoutRights } from '#host/config/isolation-settings.js';

const read = (calls: unknown) =>
  applySettings(DEFAULT_APPLICATION_SETTINGS, settingsSchema.parse({ calls })).calls;
const problem = (calls: unknown): string | undefined =>
  settingsSchema.safeParse({ calls }).error?.issues[0]?.message;

describe('the list of applications to call', () => {
  it('is empty, one name, or several', () => {
    expect([read(undefined), read([]), read('shop'), read(['shop', 'foo#bar'])]).toEqual([
      [],
      [],
      ['shop'],
      ['shop', 'foo#bar'],
    ]);
  });

  it('replaces another as a whole', () => {
    const base = { ...DEFAULT_APPLICATION_SETTINGS, calls: ['a', 'b'] };
    expect(applySettings(base, settingsSchema.parse({ calls: ['c'] })).calls).toEqual(['c']);
    expect(applySettings(base, settingsSchema.parse({ calls: [] })).calls).toEqual([]);
    expect(applySettings(base, settingsSchema.parse({})).calls).toEqual(['a', 'b']);
  });

  it.each([
    ['shop##2', 'names a version'],
    [['shop', 'SHOP'], 'has the host shop.portico.internal, as "shop" has'],
    [['foo#bar', 'foo--bar'], 'rename one of the two'],
    [[7], 'is no name of an application'],
    [['a b'], 'is no name of an application'],
    [['xn#zz'], 'cannot be written as the name of a host'],
    [Array.from({ length: 51 }, (_, index) => `a${index}`), 'at most 50 names'],
  ])('refuses %j', (calls, message) => {
    expect(problem(calls)).toContain(message);
  });

  it('of a bundle is ignored in a sandbox', () => {
    const given = settingsSchema.parse({ calls: ['shop'] });
    expect(withoutRights(given, true)).toMatchObject({ refused: ['calls'], section: {} });
    expect(withoutRights(given, true).section.calls).toBeUndefined();
    expect(withoutRights(given, false)).toMatchObject({ refused: [], section: { calls: ['shop'] } });
  });
});
