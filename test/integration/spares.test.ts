import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EventLog } from '#host/log/event-log.js';
import { createServerLog } from '#host/log/server-log.js';
import type { SpareStatus } from '#host/supervisor/spares/spare-processes.js';
import { Supervisor } from '#host/supervisor/supervisor.js';
import { deploymentSpec, temporaryFolder } from '#test/support/deployment-specs.js';
import { fixtureSupervisor } from '#test/support/fixture-supervisor.js';
import { TestHost } from '#test/support/host.js';
import { isAlive, until } from '#test/support/polling.js';
import { metricOf, processesWith } from '#test/support/processes.js';

const MIB = 1024 ** 2;

describe('the spare processes of a supervisor', () => {
  let base: string;
  let events: EventLog;
  let supervisor: Supervisor;

  beforeEach(() => {
    base = temporaryFolder('spares');
    events = new EventLog();
    supervisor = new Supervisor({
      ...fixtureSupervisor(base, createServerLog({ events, out: { write: () => undefined } })),
      spares: { server: 1, framework: 0, maxHeapBytes: 64 * MIB, quietMs: 20 },
    });
  });
  afterEach(async () => {
    await supervisor.stop();
    expect(processesWith(`PORTICO_INSTANCE=${join(base, 'run')}#`)).toEqual([]);
    rmSync(base, { recursive: true, force: true });
  });

  const ready = async (): Promise<number> =>
    await until('a spare is ready', () => {
      const [spare] = supervisor.spares().processes;
      return spare?.state === 'ready' ? spare.pid : undefined;
    });
  const lost = () => events.list().filter(({ event }) => event === 'spare-lost');

  it('serve one application once, with its surroundings, and are replaced', async () => {
    const pid = await ready();
    expect(supervisor.spares().processes[0]).toMatchObject({ kind: 'server', rssBytes: expect.any(Number) });
    const spec = deploymentSpec({ printEnvironment: true }, { env: { DATABASE: 'shop' } });
    const deployment = supervisor.launch(spec);
    // There is none for a second one of the same moment, and a third cannot use one.
    const other = supervisor.launch(deploymentSpec());
    const third = supervisor.launch(deploymentSpec({}, { maxHeapBytes: 128 * MIB }));
    expect(supervisor.spares()).toMatchObject({ used: 1, missed: 1, unfit: 1, lost: 0 });
    await Promise.all([deployment.ready, other.ready, third.ready]);
    expect(deployment.status()).toMatchObject([{ pid, isFromSpare: true, state: 'running' }]);
    for (const status of [...other.status(), ...third.status()])
      expect(status).not.toHaveProperty('isFromSpare');
    expect(await ready()).not.toBe(pid);
  });

  it('that end are replaced, and said to be lost', async () => {
    const pid = await ready();
    process.kill(pid, 'SIGKILL');
    expect(await until(async () => ((await ready()) === pid ? undefined : ready()))).not.toBe(pid);
    expect(lost()).toMatchObject([
      { application: '', details: { pid, reason: 'was ended by SIGKILL', retryInMs: 1000 } },
    ]);
    expect(supervisor.spares().lost).toBe(1);
  });

  it('that end when they are taken cost the application nothing but time', async () => {
    await ready();
    const deployment = supervisor.launch(deploymentSpec({ dieWhenTaken: true }));
    await deployment.ready;
    expect(deployment.status()[0]).toMatchObject({ state: 'running', restarts: 0 });
    expect(deployment.status()[0]).not.toHaveProperty('isFromSpare');
    expect(lost()).toMatchObject([{ application: 'shop##1', details: { reason: 'exited with code 4' } }]);
  });
});

const lazy = 'portico: { servlet: { start: { when: lazy }, umask: "027", env: { COLOUR: red } } }\n';
const looking = {
  'package.json': '{ "type": "module", "main": "app.js" }',
  'application.yaml': lazy,
  'app.js': `import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
export default (request, response) => response.end(JSON.stringify({
  env: process.env, cwd: process.cwd(), argv: process.argv[1], umask: process.umask(), pid: process.pid,
  made: mkdtempSync(tmpdir() + '/x'), modules: Object.keys(globalThis) }));`,
};
const framed = {
  'package.json': '{ "type": "module" }',
  'application.yaml': `${lazy.replace('{ servlet', '{ application: { modules: [app.js] }, servlet')}`,
  'app.js': `import { routing } from 'portico';
export default (application) => routing(application, (route) => {
  route.get('/', (call) => call.respondText(process.pid + ' ' + process.cwd()));
});`,
};

describe('a host with a spare process', () => {
  let host: TestHost;
  beforeAll(async () => {
    host = await TestHost.start({
      apps: { looking, other: looking, framed },
      config:
        'deployer: { stabilityWindow: 200ms, scanInterval: 300ms }\nsupervisor: { spares: { server: 1, framework: 1 } }\n',
      env: { HOST_SECRET: 'x1', COLOUR: 'blue' },
    });
  });
  afterAll(async () => {
    await host.stop();
  });

  const spares = async (): Promise<SpareStatus> =>
    ((await (await host.admin('/v1/server')).json()) as { server: { spares: SpareStatus } }).server.spares;
  const ready = async (kind: string): Promise<number> =>
    await until(`a spare for ${kind} is ready`, async () => {
      const found = (await spares()).processes.find((one) => one.kind === kind && one.state === 'ready');
      return found?.pid;
    });

  it('starts a sleeping server in it, which finds nothing that is not its own', async () => {
    const pid = await ready('server');
    const environ = readFileSync(`/proc/${pid}/environ`, 'utf8');
    expect(environ).not.toContain('HOST_SECRET');
    const seen = JSON.parse(await host.text('/looking/')) as Record<string, string> & { env: object };
    expect(seen['pid']).toBe(pid);
    expect(
      Object.keys(seen.env).filter((name) => !/^(?:PATH|HOME|TMPDIR|LANG.*|LC_.*|TZ)$/.test(name)),
    ).toEqual(expect.arrayContaining(['COLOUR', 'NODE_ENV', 'PORTICO_INSTANCE', 'PORTICO_APPLICATION']));
    expect(seen.env).toMatchObject({ COLOUR: 'red', PORTICO_APPLICATION: 'looking' });
    expect(seen.env).not.toHaveProperty('HOST_SECRET');
    expect(seen).toMatchObject({
      umask: 0o27,
      cwd: expect.stringContaining('work'),
      made: expect.any(String),
    });
    expect(seen['argv']).toBe(join(String(seen['cwd']), 'app.js'));
    const { instances } = (await host.application('looking')) ?? {};
    expect(instances).toMatchObject([{ pid, isFromSpare: true }]);
    const events = (await (await host.admin('/v1/events?application=looking')).json()) as {
      events: { event: string; details: object }[];
    };
    expect(events.events.find(({ event }) => event === 'woken')?.details).toMatchObject({ spare: true });
    expect(await metricOf(host, 'portico_spare_starts_total', 'used')).toBe(1);
    // The next application has the next one.
    const next = await ready('server');
    expect(next).not.toBe(pid);
    expect(await metricOf(host, 'portico_spare_resident_bytes')).toBeGreaterThan(MIB);
    expect(JSON.parse(await host.text('/other/'))).toMatchObject({ pid: next });
  });

  it('starts an application of the framework in one that has the framework', async () => {
    const pid = await ready('framework');
    expect(await host.text('/framed/')).toMatch(new RegExp(`^${pid} .*work`));
  });

  it('ends with all its spares', async () => {
    const pids = [await ready('server'), await ready('framework')];
    expect(await host.end()).toBe(0);
    expect(pids.map(isAlive)).toEqual([false, false]);
    expect(processesWith(host.base)).toEqual([]);
  });
});
