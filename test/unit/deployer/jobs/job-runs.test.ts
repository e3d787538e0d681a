import { describe, expect, it } from '@jest/globals';
import type { JobSettings } from '#host/config/schedule-settings.js';
import { checkCron, startCronTimer } from '#host/deployer/jobs/cron-timer.js';
import { type JobRun, JobRuns } from '#host/deployer/jobs/job-runs.js';
import { settle } from '#test/support/polling.js';

const job = (overlap: JobSettings['overlap']): JobSettings => ({
  name: 'clean',
  cron: '@daily',
  zone: undefined,
  path: '/clean',
  method: 'POST',
  timeoutMs: 1000,
  overlap,
});

/** Runs whose work ends when the test says so. */
class Work {
  readonly ended: string[] = [];
  readonly runs: JobRuns;
  readonly #open: ((error?: Error) => void)[] = [];

  constructor() {
    this.runs = new JobRuns(
      () =>
        new Promise((resolve, reject) => {
          this.#open.push((error) => (error === undefined ? resolve(undefined) : reject(error)));
        }),
      (_job: JobSettings, { number, outcome }: JobRun) => this.ended.push(`${number} ${outcome}`),
    );
  }

  get underWay(): number {
    return this.#open.length;
  }

  async finish(error?: Error): Promise<void> {
    this.#open.shift()?.(error);
    await settle();
  }
}

describe('runs of a job', () => {
  it('skip: one that is due while another goes on is left out', async () => {
    const work = new Work();
    work.runs.start(job('skip'), 'schedule');
    expect(work.runs.start(job('skip'), 'schedule')).toMatchObject({
      outcome: 'skipped',
      reason: 'the run before goes on',
    });
    expect(work.underWay).toBe(1);
    await work.finish();
    expect(work.runs.start(job('skip'), 'operator')).toMatchObject({ outcome: 'running', by: 'operator' });
    await work.finish(new Error('broken'));
    expect(work.ended).toEqual(['2 skipped', '1 done', '3 failed']);
    expect(work.runs.recent[0]).toMatchObject({ number: 3, reason: 'broken', ms: expect.any(Number) });
    expect(work.runs.isBusy).toBe(false);
  });

  it('queue: one waits for the end of the one before, also when that fails', async () => {
    const work = new Work();
    work.runs.start(job('queue'), 'schedule');
    expect(work.runs.start(job('queue'), 'schedule').outcome).toBe('waiting');
    expect(work.runs.start(job('queue'), 'schedule').outcome).toBe('skipped');
    await work.finish(new Error('broken'));
    expect(work.underWay).toBe(1);
    await work.finish();
    expect(work.ended).toEqual(['3 skipped', '1 failed', '2 done']);
  });

  it('allow: they go on beside each other, up to ten', async () => {
    const work = new Work();
    for (let count = 0; count < 11; count++) work.runs.start(job('allow'), 'schedule');
    expect(work.underWay).toBe(10);
    expect(work.ended).toEqual(['11 skipped']);
    for (let count = 0; count < 10; count++) await work.finish();
    expect(work.runs.isBusy).toBe(false);
  });

  it('are remembered, the last twenty', async () => {
    const work = new Work();
    for (let count = 0; count < 25; count++) {
      work.runs.start(job('skip'), 'schedule');
      await work.finish();
    }
    const numbers = work.runs.recent.map(({ number }) => number);
    expect([numbers.length, numbers[0], numbers.at(-1)]).toEqual([20, 25, 6]);
  });
});

describe('cron', () => {
  it('takes five fields, six with seconds, and names', async () => {
    for (const cron of ['15 3 * * *', '*/5 * * * * *', '@hourly', '0 9 * * MON-FRI', '0 0 L * *'])
      await expect(checkCron(cron, 'Europe/Berlin')).resolves.toBeUndefined();
  });

  it('refuses what cannot be read and what never comes', async () => {
    const refused = { code: 'PORTICO_CRON_INVALID' };
    await expect(checkCron('61 * * * *', undefined)).rejects.toMatchObject(refused);
    await expect(checkCron('0 0 31 2 *', undefined)).rejects.toMatchObject(refused);
  });

  it('counts in its zone', async () => {
    const timer = await startCronTimer('30 12 * * *', 'Asia/Kolkata', () => undefined);
    // Half an hour off UTC, without summer time.
    expect(timer.next()?.toISOString()).toMatch(/T07:00:00/);
    timer.stop();
  });
});
