import { describe, expect, it } from '@jest/globals';
import {
  applySettings,
  DEFAULT_APPLICATION_SETTINGS,
  settingsSchema,
} from '#host/config/application-settings.js';

const read = (given: unknown) => applySettings(DEFAULT_APPLICATION_SETTINGS, settingsSchema.parse(given));
const problem = (given: unknown): string | undefined =>
  settingsSchema.safeParse(given).error?.issues[0]?.message;

describe('the settings of a rollout', () => {
  it('have these defaults', () => {
    expect(read({})).toMatchObject({
      health: {
        path: undefined,
        status: { from: 200, to: 399 },
        timeoutMs: 2000,
        retries: 5,
        intervalMs: 1000,
      },
      probation: { windowMs: 30_000, maxErrorRate: 0.5, minRequests: 20, maxCrashes: 2 },
      history: 5,
      dependsOn: [],
      required: false,
    });
  });

  it('are read with their units', () => {
    const health = { path: '/up?deep=1', status: '200-204', timeout: '500ms', retries: 3, interval: '2s' };
    const probation = { window: '1m', maxErrorRate: '5%', minRequests: 100, maxCrashes: 0 };
    const given = { health, probation, history: 2, dependsOn: 'shop', required: true };
    expect(read(given)).toMatchObject({
      health: {
        path: '/up?deep=1',
        status: { from: 200, to: 204 },
        timeoutMs: 500,
        retries: 3,
        intervalMs: 2000,
      },
      probation: { windowMs: 60_000, maxErrorRate: 0.05, minRequests: 100, maxCrashes: 0 },
      history: 2,
      dependsOn: ['shop'],
      required: true,
    });
    expect(read({ health: { status: 204 } }).health.status).toEqual({ from: 204, to: 204 });
    expect(read({ dependsOn: ['a', 'b##2'] }).dependsOn).toEqual(['a', 'b##2']);
  });

  it.each([
    [{ health: { path: 'up' } }, /"up" is no path/],
    [{ health: { path: '/a b' } }, /is no path/],
    [{ health: { path: '/a#b' } }, /is no path/],
    [{ health: { status: '400-200' } }, /no range of statuses/],
    [{ health: { status: 99 } }, /no range of statuses/],
    [{ probation: { maxErrorRate: 1.5 } }, /no share/],
    [{ probation: { maxErrorRate: 'many' } }, /no share/],
    [{ history: 0 }, /out of bounds/],
    [{ dependsOn: [''] }, /empty/],
  ])('are refused with a reason: %j', (given, message) => {
    expect(problem(given)).toMatch(message);
  });
});
