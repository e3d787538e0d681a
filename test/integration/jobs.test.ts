import { existsSync, readFileSync } from 'node:fs';
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

  it('of several live versions are those of the one that serves new clients', async () => {
    const drop = (version: number, canary = ''): void =>
      host.drop(`pair##${version}`, {
        'package.json': '{ "type": "module", "main": "app.js" }',
        'app.js': `import { appendFileSync } from 'node:fs';
export default (request, response) => response.end();
export const tick = (run) => appendFileSync(process.env.PAIR, '${version}:' + run.number + '\\n');`,
        'application.yaml': `portico:
  servlet:
    instances: 2
    schedule: [{ name: tick, cron: "* * * * * *", function: tick }]
    env: { PAIR: ${host.base}/pair.txt }
${canary}`,
      });
    const ticks = (): string[] => {
      const file = `${host.base}/pair.txt`;
      return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
    };
    const next = async (version: number): Promise<void> => {
      await until(`a tick of ${version}`, () => ticks().some((line) => line.startsWith(`${version}:`)));
      const from = ticks().length;
      await until('two more', () => ticks().length >= from + 2);
      expect(
        new Set(
          ticks()
            .slice(from)
            .map((line) => line.split(':')[0]),
        ),
      ).toEqual(new Set([String(version)]));
    };
    drop(1);
    await next(1);
    drop(2);
    await host.untilApplication('pair##2', ({ state }) => state === 'running');
    // The old one is live too, as long as the new one is on probation.
    expect((await host.application('pair##1'))?.live?.role).toBe('old');
    await next(2);
    drop(3, '    canary: { steps: [50%, 60%], interval: 5m }\n');
    await host.untilApplication('pair##3', ({ live }) => live?.role === 'canary');
    await next(2);
    const numbers = ticks().map((line) => line.split(':')[1]);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  it('reach a command over HTTP, which has no functions', async () => {
    const command = (schedule: string): Record<string, string> => ({
      'application.yaml': `portico:
  application: { command: [${JSON.stringify(process.execPath)}, server.mjs] }
  servlet: { schedule: [{ name: tidy, cron: "@yearly", ${schedule} }] }
`,
      'server.mjs': `import { createServer } from 'node:http';
createServer((request, response) => {
  const { method, url, headers } = request;
  response.statusCode = url === '/tidy?all=1' && method === 'POST' && headers['portico-job'] === 'tidy' ? 204 : 500;
  response.end();
}).listen(process.env.PORT, '127.0.0.1');`,
    });
    host.drop('program', command('path: "/tidy?all=1"'));
    await host.untilApplication('program', ({ state }) => state === 'running');
    await host.admin('/v1/applications/program/jobs/tidy/run', 'POST');
    const run = await until('the job is over', async () => {
      const { jobs } = (await (await host.admin('/v1/applications/program/jobs')).json()) as {
        jobs: JobStatus[];
      };
      return jobs[0]?.runs[0]?.ms === undefined ? undefined : jobs[0].runs[0];
    });
    expect(run.outcome).toBe('done');
    host.drop('refused', command('function: tidy'));
    const { reason } = await host.untilApplication('refused', ({ state }) => state === 'failed');
    expect(reason).toContain(
      'job tidy has a function, and only an application of Node has some, not one of kind command: give it a path',
    );
  });

  it('end with the application', async () => {
    await host.admin('/v1/applications/worker/stop', 'POST');
    expect(await jobs()).toEqual([]);
  });
});
