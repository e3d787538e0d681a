import { describe, expect, it } from '@jest/globals';
import {
  applySettings,
  DEFAULT_APPLICATION_SETTINGS,
  settingsSchema,
} from '#host/config/application-settings.js';

const read = (given: unknown, base = DEFAULT_APPLICATION_SETTINGS) =>
  applySettings(base, settingsSchema.parse(given));

describe('idle.stopAfter', () => {
  it('is never by default, and obeyed when it is given', () => {
    expect(read({}).idle).toEqual({ stopAfterMs: 0 });
    expect(read({ idle: { stopAfter: '20m' } }).idle).toEqual({ stopAfterMs: 1_200_000 });
  });

  it('of one application may be never where all others have a time', () => {
    const host = read({ idle: { stopAfter: '20m' } });
    expect(read({}, host).idle).toEqual({ stopAfterMs: 1_200_000 });
    expect(read({ idle: { stopAfter: '0s' } }, host).idle).toEqual({ stopAfterMs: 0 });
  });

  it('is refused when it is shorter than counts are old', () => {
    const { error } = settingsSchema.safeParse({ idle: { stopAfter: '999ms' } });
    expect(error?.issues[0]?.message).toBe('is out of bounds: 0s, which is never, or at least 1s');
  });
});
