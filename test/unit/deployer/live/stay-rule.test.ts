import { describe, expect, it } from '@jest/globals';
import { reasonToStay, type StayFacts } from '#host/deployer/live/stay-rule.js';

const SETTINGS = { pinnedIdleMs: 60_000, maxAgeMs: 3_600_000, sessionCookies: [] };
const QUIET: StayFacts = {
  inFlight: 0,
  tunnels: 0,
  replacedForMs: 10_000,
  pinnedAgoMs: undefined,
  isWarm: false,
  looks: 10,
};

describe('an old version', () => {
  it.each<[Partial<StayFacts>, string | undefined]>([
    [{}, undefined],
    [{ looks: 2 }, 'it was replaced a moment ago'],
    [{ looks: 3 }, undefined],
    [{ inFlight: 1 }, '1 request in flight'],
    [{ inFlight: 2 }, '2 requests in flight'],
    [{ inFlight: 3, tunnels: 3 }, '3 WebSockets'],
    [{ pinnedAgoMs: 59_999 }, 'clients that stay with it; the last came 60 s ago'],
    [{ pinnedAgoMs: 60_000 }, undefined],
    [{ pinnedAgoMs: 61_000, looks: 0 }, 'it was replaced a moment ago'],
    [{ isWarm: true }, 'what has replaced it is on probation'],
    [{ tunnels: 1, inFlight: 1, pinnedAgoMs: 0, replacedForMs: 3_600_000 }, undefined],
  ])('with %j stays because: %s', (facts, reason) => {
    expect(reasonToStay({ ...QUIET, ...facts }, SETTINGS)).toBe(reason);
  });

  it('waits for clients that it knows by their sessions, and that have not come yet', () => {
    const settings = { ...SETTINGS, sessionCookies: ['sid'] };
    expect(reasonToStay({ ...QUIET, replacedForMs: 59_000 }, settings)).toContain('the last came 59 s ago');
    expect(reasonToStay({ ...QUIET, replacedForMs: 60_000 }, settings)).toBeUndefined();
    expect(reasonToStay({ ...QUIET, replacedForMs: 150_000, pinnedAgoMs: 1_000 }, settings)).toContain(
      '1 s ago',
    );
  });
});
