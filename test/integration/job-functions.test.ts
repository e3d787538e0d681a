import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JobRun } from '#host/deployer/jobs/job-runs.js';
import type { JobStatus } from '#host/deployer/jobs/jobs.js';
import { TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';

const FUNCTIONS = `import { appendFileSync } from 'node:fs';
const note = (text) => appendFileSync(process.env.NOTES, text + '\\n');
export const count = (run) => { note('count ' + run.number + ' ' + process.pid); return { counted: run.number }; };
export const tools = { base: 40, answer() { return this.base + 2; } };
export const broken = async () => { throw new Error('no paper'); };
export const crash = () => { note('crash'); process.exit(3); };
export const stubborn = () => new Promise((resolve) => setTimeout(resolve, 60_000));
export const obedient = (run) => new Promise((resolve, reject) => {
  note('obedient begins');
  run.signal.addEventListener('abort', () => { note('obedient: ' + run.signal.reason.message); reject(run.signal.reason); });
});
export const slow = async () => { note('slow begins'); await new Promise((resolve) => setTimeout(resolve, 2000)); note('slow ends'); };
export const value = 7;
`;
const job = (name: string, more = ''): string =>
  `      - { name: ${name}, cron: "@yearly", function: ${name}, module: jobs.js${more} }\n`;
const JOBS = [
  '    schedule:\n',
  '      - { name: count, cron: "* * * * * *", function: count, module: jobs.js }\n',
  '      - { name: answer, cron: "@yearly", function: tools.answer, module: jobs.js }\n',
  '      - { name: entry, cron: "@yearly", function: inTheEntry }\n',
  '      - { name: missing, cron: "@yearly", function: none, module: jobs.js }\n',
  '      - { name: value, cron: "@yearly", function: value, module: jobs.js }\n',
  ...['broken', 'crash', 'slow'].map((name) => job(name)),
  job('obedient', ', timeout: 300ms'),
  job('stubborn', ', timeout: 200ms'),
].join('');

/** A CommonJS program that listens by itself: also what it exports can be called. */
const PROGRAM = `
const { createServer } = require('node:http');
globalThis.loaded = (globalThis.loaded ?? 0) + 1;
exports.inTheEntry = (run) => ['loaded', globalThis.loaded, typeof run.application].join(' ');
createServer((request, response) => response.end('here')).listen(3000);
`;
const FRAMED = `import { routing } from 'portico';
export function main(application) {
  routing(application, (route) => { route.get('/', (call) => call.respondText('here')); });
}
export const endless = () => { console.log('endless begins'); return new Promise(() => {}); };
export const inTheEntry = ({ application }) => application.environment.config.property('shop.name').getString();
`;

describe('jobs that are functions', () => {
  let host: TestHost;
  const jobs = async (name: string): Promise<JobStatus[]> =>
    ((await (await host.admin(`/v1/applications/${name}/jobs`)).json()) as { jobs: JobStatus[] }).jobs;
  const begin = async (application: string, job: string): Promise<number> => {
    const answer = await host.admin(`/v1/applications/${application}/jobs/${job}/run`, 'POST');
    return ((await answer.json()) as { run: JobRun }).run.number;
  };
  const over = async (application: string, job: string, number: number): Promise<JobRun> =>
    await until(`run ${number} of ${job} is over`, async () => {
      const { runs } = (await jobs(application)).find(({ name }) => name === job) ?? { runs: [] };
      return runs.find((run) => run.number === number && run.ms !== undefined);
    });
  const run = async (application: string, job: string): Promise<JobRun> =>
    over(application, job, await begin(application, job));
  const notes = (): string[] => {
    const file = `${host.base}/notes.txt`;
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  };

  beforeAll(async () => {
    host = await TestHost.start();
    const settings = (instances: number) =>
      `  servlet:\n    instances: ${instances}\n    restart: { minDelay: 10ms, maxDelay: 20ms }\n` +
      `    env: { NOTES: ${host.base}/notes.txt }\n${JOBS}`;
    host.drop('program', {
      'package.json': '{ "main": "app.js" }',
      'app.js': PROGRAM,
      'jobs.js': FUNCTIONS.replaceAll('export const', '// a module by its syntax\nexport const'),
      'application.yaml': `portico:\n${settings(2)}`,
    });
    host.drop('framed', {
      'package.json': '{ "type": "module" }',
      'app.js': FRAMED,
      'application.yaml': `shop: { name: corner }
portico:
  application: { modules: [app.js#main] }
  servlet:
    drain: { timeout: 300ms }
    probation: { window: 0s }
    stop: { timeout: 1s }
    schedule:
      - { name: entry, cron: "@yearly", function: inTheEntry }
      - { name: endless, cron: "@yearly", function: endless }
`,
    });
    await host.untilApplication('program', ({ state }) => state === 'running');
    await host.untilApplication('framed', ({ state }) => state === 'running');
  });
  afterAll(async () => {
    await host.stop();
  });

  it('are called in exactly one instance, and what they give is in the history', async () => {
    const done = await until('three runs', async () => {
      const { runs = [] } = (await jobs('program')).find(({ name }) => name === 'count') ?? {};
      return runs.length >= 3 ? runs.filter(({ outcome }) => outcome === 'done') : undefined;
    });
    expect(done[0]).toMatchObject({ by: 'schedule', result: `{"counted":${done[0]?.number}}` });
    const numbers = notes().map((line) => line.split(' ')[1]);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(await run('program', 'answer')).toMatchObject({ outcome: 'done', by: 'operator', result: '42' });
  });

  it('may be in the entry, which is not loaded again, and have the application where there is one', async () => {
    expect(await run('program', 'entry')).toMatchObject({ outcome: 'done', result: 'loaded 1 undefined' });
    expect(await run('framed', 'entry')).toMatchObject({ outcome: 'done', result: 'corner' });
    expect(await host.text('/program/')).toBe('here');
  });

  it('that fail, or are none, say why', async () => {
    expect(await run('program', 'broken')).toMatchObject({ outcome: 'failed', reason: 'no paper' });
    await host.logFile('program/output.log', /job broken, run 1 failed: Error: no paper/);
    const missing = await run('program', 'missing');
    expect(missing.reason).toContain('jobs.js has no export "none"; it exports');
    expect((await run('program', 'value')).reason).toContain('is no function');
  });

  it('are told when their time is over, and not called again while they go on all the same', async () => {
    expect((await run('program', 'obedient')).reason).toBe('it was not over when its time was');
    await until('it has heard of it', () =>
      notes().includes('obedient: job obedient is to end: its time is over'),
    );
    expect((await run('program', 'stubborn')).reason).toBe('it was not over when its time was');
    expect((await run('program', 'stubborn')).reason).toBe(
      'run 1 was told to end when its time was over, and goes on',
    );
  });

  it('whose process ends have failed, and are not called again', async () => {
    expect((await run('program', 'crash')).reason).toBe('the process exited with code 3 while it ran');
    await host.untilApplication('program', ({ instances }) =>
      instances.every(({ state }) => state === 'running'),
    );
    expect(notes().filter((line) => line === 'crash')).toHaveLength(1);
    expect((await run('program', 'answer')).outcome).toBe('done');
  });

  it('are finished when the application is redeployed meanwhile', async () => {
    const number = await begin('program', 'slow');
    await until('it runs', () => notes().includes('slow begins'));
    expect((await host.admin('/v1/applications/program/reload', 'POST')).status).toBe(200);
    expect(await over('program', 'slow', number)).toMatchObject({ outcome: 'done' });
    expect(notes()).toContain('slow ends');
  });

  it('are cut, and said to be, when they outlast the drain of the application', async () => {
    const number = await begin('framed', 'endless');
    await until('it runs', () => host.logFile('framed/output.log', /endless begins/));
    expect((await host.admin('/v1/applications/framed/reload', 'POST')).status).toBe(200);
    expect(await over('framed', 'endless', number)).toMatchObject({
      outcome: 'failed',
      reason: 'the process was stopped while it ran',
    });
    expect((await run('framed', 'entry')).result).toBe('corner');
  });
});
