import { describe, expect, it } from '@jest/globals';
import { applySchedule, scheduleSchema } from '#host/config/schedule-settings.js';
import { HostConfigs } from '#test/support/host-configs.js';

const read = (given: unknown) => applySchedule([], scheduleSchema.parse(given));
const problem = (job: object): string | undefined =>
  scheduleSchema.safeParse([{ name: 'a', cron: '@daily', path: '/a', ...job }]).error?.issues[0]?.message;

describe('schedule', () => {
  it('has defaults for everything but name, time and path', () => {
    expect(read([{ name: 'clean-up', cron: '15 3 * * *', path: '/jobs/clean?all=1' }])).toEqual([
      {
        name: 'clean-up',
        cron: '15 3 * * *',
        zone: undefined,
        path: '/jobs/clean?all=1',
        method: 'POST',
        timeoutMs: 600_000,
        overlap: 'skip',
      },
    ]);
  });

  it('may name a function in the place of a path', () => {
    const job = { name: 'clean-up', cron: '@daily', function: 'jobs.cleanUp', module: './dist/jobs.js' };
    expect(read([job])).toMatchObject([{ ...job, path: undefined, timeoutMs: 600_000, overlap: 'skip' }]);
  });

  it('of all applications at once is refused with its place', () => {
    const configs = new HostConfigs();
    const text = 'fronts: 1\napplications:\n  schedule:\n    - { name: a, cron: "@daily", path: /a }\n';
    try {
      expect(() => configs.read(text)).toThrow(
        /host\.yaml:4:5: applications\.schedule: jobs belong to one application/,
      );
    } finally {
      configs.remove();
    }
  });

  it('replaces the list of whom it overrides', () => {
    const base = read([{ name: 'a', cron: '@daily', path: '/a' }]);
    expect(applySchedule(base, undefined)).toBe(base);
    expect(applySchedule(base, [])).toEqual([]);
  });

  it.each([
    [{ name: 'a b' }, 'is no name of a job'],
    [{ cron: '* * *' }, 'is no cron expression'],
    [{ cron: '15 3 * * * ; rm' }, 'is no cron expression'],
    [{ zone: 'Mars/Olympus' }, 'is no time zone'],
    [{ path: 'a' }, 'is no path'],
    [{ method: 'DELETE' }, 'is not one of'],
    [{ overlap: 'kill' }, 'is not one of'],
    [{ path: undefined }, 'a job has a path, or a function'],
    [{ function: 'clean' }, 'not both'],
    [{ module: 'jobs.js' }, 'is for a function'],
    [{ path: undefined, function: 'clean-up' }, 'is no name of a function'],
    [{ path: undefined, function: 'a..b' }, 'is no name of a function'],
    [{ path: undefined, function: 'clean', module: 'jobs.js#clean' }, 'is no file'],
    [{ path: undefined, function: 'clean', method: 'GET' }, 'is for a path'],
  ])('refuses %j', (job, message) => {
    expect(problem(job)).toContain(message);
  });

  it('refuses two jobs of one name', () => {
    const job = { name: 'a', cron: '@daily', path: '/a' };
    expect(scheduleSchema.safeParse([job, job]).error?.issues[0]).toMatchObject({
      path: [1, 'name'],
      message: '"a" is the name of another job',
    });
  });
});
