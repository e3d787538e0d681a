import { describe, expect, it } from '@jest/globals';
import { applySchedule, scheduleSchema } from '#host/config/schedule-settings.js';

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
