import { describe, expect, it } from '@jest/globals';
import { goesOn } from '#host/front/goes-on.js';
import type { RouteTarget } from '#host/front/messages.js';

const unavailable = (state: string): RouteTarget => ({
  kind: 'unavailable',
  state,
  reason: state,
  retryAfterSeconds: 1,
});

describe('a context', () => {
  it('goes on where somebody answers now or before long', () => {
    const site: RouteTarget = { kind: 'static', deployment: 'a', folder: '/a' };
    for (const target of [site, ...['starting', 'restarting', 'lazy'].map(unavailable)])
      expect(goesOn(target)).toBe(true);
  });

  it('does not where nobody will, nor where it is not any more', () => {
    for (const target of ['stopped', 'failed', 'draining', 'removing'].map(unavailable))
      expect(goesOn(target)).toBe(false);
    expect(goesOn(undefined)).toBe(false);
  });
});
