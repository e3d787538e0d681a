import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JobStatus } from '#host/deployer/jobs/jobs.js';
import { TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';

const worker = {
  'package.json': '{ "type": "module", "main": "app.js" }',
  'app.js': `import { appendFileSync } from 'node:fs';
export default (request, response) => {
  const job = request.headers['portico-job'] ?? 'nobody';
  if (request.url === '/broken') response.statusCode = 500;
  if (request.url.startsWith('/slow')) {
    appendFileSync(process.env.NOTES, 'begun\\n');
    setTimeout(() => { appendFileSync(process.env.NOTES, 'done\\n'); response.end('slow'); }, 3000);
    return;
  }
  if (request.method === 'POST') appendFileSync(process.env.NOTES, [job, request.url, process.pid].join(' ') + '\\n');
  response.end(job);
};`,
};

describe('scheduled jobs', () => {
  let host: TestHost;
  const jobs = async (): Promise<JobStatus[]> =>
    ((await (await host.admin('/v1/applications/worker/jobs')).json()) as { jobs: JobStatus[] }).jobs;
  const last = async (name: string) => (await jobs()).find((job) => job.name === name)?.runs[0];

  beforeAll(async () => {
    host = await TestHost.start();
    host.drop('worker', {
      ...worker,
      'application.yaml': `portico:
  servlet:
    instances: 2
    start: { when: lazy }
    schedule:
      - { name: tick, cron: "* * * * * *", path: "/tick?a=1" }
      - { name: broken, cron: "@yearly", path: /broken }
      - { name: slow, cron: "@yearly", path: /slow, method: GET }
    env: { NOTES: ${host.base}/notes.txt }
`,
    });
    await host.untilApplication('worker', () => true);
  });
  afterAll(async () => {
    await host.stop();
  });

  it('start a lazy application, and ask exactly one instance', async () => {
    const runs = await until('three runs', async () => {
      const done = (await jobs())
        .find(({ name }) => name === 'tick')
        ?.runs.filter(({ outcome }) => outcome === 'done');
      return done !== undefined && done.length >= 3 ? done : undefined;
    });
    const lines = readFileSync(`${host.base}/notes.txt`, 'utf8').trim().split('\n');
    expect(lines[0]).toMatch(/^tick \/tick\?a=1 \d+$/);
    // A run that is answered while this is read makes it one more, never one for each instance.
    expect(lines.length).toBeLessThan(runs.length * 2);
    expect(runs[0]).toMatchObject({ by: 'schedule', ms: expect.any(Number) });
    expect((await host.application('worker'))?.state).toBe('running');
  });

  it('cannot be feigned by a client', async () => {
    const feign = async (name: string) =>
      await (await host.get('/worker/', { headers: { [name]: 'tick' } })).text();
    expect(await feign('Portico-Job')).toBe('nobody');
    expect(await feign('PORTICO_JOB')).toBe('nobody');
  });

  it('that fail are told of, and can be run by hand', async () => {
    expect((await host.admin('/v1/applications/worker/jobs/broken/run', 'POST')).status).toBe(202);
    const run = await until(async () => {
      const run = await last('broken');
      return run?.outcome === 'failed' ? run : undefined;
    });
    expect(run).toMatchObject({ by: 'operator', reason: 'POST /broken gave status 500' });
    const { events } = (await (await host.admin('/v1/events?application=worker')).json()) as {
      events: { event: string; details: object }[];
    };
    expect(events.find(({ event }) => event === 'job-failed')?.details).toMatchObject({
      job: 'broken',
      run: 1,
    });
    const unknown = await host.admin('/v1/applications/worker/jobs/none/run', 'POST');
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ error: { code: 'PORTICO_JOB_UNKNOWN' } });
  });

  it('are finished when the application is redeployed meanwhile', async () => {
    await host.admin('/v1/applications/worker/jobs/slow/run', 'POST');
    await until('it runs', async () => (await last('slow'))?.outcome === 'running');
    expect((await host.admin('/v1/applications/worker/reload', 'POST')).status).toBe(200);
    const run = await until(async () => {
      const run = await last('slow');
      return run?.ms === undefined ? undefined : run;
    });
    expect(run).toMatchObject({ outcome: 'done', by: 'operator' });
  });

  it('end with the application', async () => {
    await host.admin('/v1/applications/worker/stop', 'POST');
    expect(await jobs()).toEqual([]);
  });
});
