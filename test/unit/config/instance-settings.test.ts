import { describe, expect, it } from '@jest/globals';
import {
  applySettings,
  DEFAULT_APPLICATION_SETTINGS,
  settingsSchema,
} from '#host/config/application-settings.js';

const read = (given: unknown, base = DEFAULT_APPLICATION_SETTINGS) =>
  applySettings(base, settingsSchema.parse(given));

describe('the number of instances', () => {
  it('is a number, or follows the load between two', () => {
    expect(read({ instances: 3 })).toMatchObject({ instances: 3 });
    expect(read({ instances: 3 }).scaling).toBeUndefined();
    expect(read({ instances: { min: 2, max: 5, upAbove: '80%', sticky: 'cookie' } })).toMatchObject({
      instances: 2,
      scaling: { max: 5, upAbove: 0.8, downBelow: 0.2, queue: 100, coolDownMs: 60_000 },
      isSticky: true,
    });
  });

  it('of an application wins over that of the host, key by key, and a number over all of it', () => {
    const host = read({ instances: { min: 2, max: 5, sticky: 'cookie' } });
    expect(read({}, host)).toMatchObject({ instances: 2, scaling: { max: 5 }, isSticky: true });
    expect(read({ instances: { max: 9 } }, host)).toMatchObject({ instances: 2, scaling: { max: 9 } });
    expect(read({ instances: 4 }, host).scaling).toBeUndefined();
    expect(read({ instances: { sticky: 'no' } }, host).isSticky).toBeUndefined();
  });

  it.each([
    [{ min: 3, max: 2 }, /2 is less than min, 3/],
    [{ max: 4, upAbove: '30%', downBelow: '40%' }, /never rest/],
    [{ max: 4, upAbove: 0.5 }, /in percent/],
    [{ most: 4 }, /most/],
  ])('is refused as %j', (instances, message) => {
    const result = settingsSchema.safeParse({ instances });
    expect(result.error?.message).toMatch(message);
  });
});

describe('limits that are measured', () => {
  it('are none by default, and given in percent and numbers', () => {
    expect(read({}).processLimits).toMatchObject({ maxCpuShare: 0, maxFiles: 0, exceeded: 'report' });
    const limits = { cpu: '150%', cpuWindow: '30s', files: 500, exceeded: 'restart' };
    expect(read({ limits }).processLimits).toEqual({
      maxCpuShare: 1.5,
      cpuWindowMs: 30_000,
      maxFiles: 500,
      exceeded: 'restart',
    });
  });
});
