import { readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { silentLog } from '#host/log/server-log.js';
import type { DeploymentChange, DeploymentProcess } from '#host/supervisor/deployment-process.js';
import { StartFailure } from '#host/supervisor/start-failure.js';
import { Supervisor } from '#host/supervisor/supervisor.js';
import { deploymentSpec, temporaryFolder } from '#test/support/deployment-specs.js';
import { fixtureSupervisor } from '#test/support/fixture-supervisor.js';
import { isAlive, until, WAIT_MS } from '#test/support/polling.js';

let base: string;
let supervisor: Supervisor;

beforeEach(() => {
  base = temporaryFolder('supervisor');
  supervisor = new Supervisor(fixtureSupervisor(base, silentLog()));
});

afterEach(async () => {
  await supervisor.stop();
  rmSync(base, { recursive: true, force: true });
});

const outputFile = (): string => readFileSync(join(base, 'logs/shop/output.log'), 'utf8');

async function failureOf(deployment: DeploymentProcess): Promise<StartFailure> {
  const outcome = await deployment.ready.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(outcome instanceof StartFailure)) throw new Error(`no StartFailure but ${String(outcome)}`);
  return outcome;
}

function changesOf(deployment: DeploymentProcess): DeploymentChange[] {
  const changes: DeploymentChange[] = [];
  deployment.onChange((change) => changes.push(change));
  return changes;
}

const onlyPid = (deployment: DeploymentProcess): number => deployment.status()[0]?.pid ?? 0;
/** The processes of a start that is under way. */
const startedPids = (deployment: DeploymentProcess): Promise<number[]> =>
  until('its processes are there', () => {
    const pids = deployment.status().map(({ pid = 0 }) => pid);
    return pids.includes(0) ? undefined : pids;
  });

describe('starting', () => {
  it('gives addresses with private sockets and secrets when all instances are ready', async () => {
    const deployment = supervisor.launch(deploymentSpec({}, { instances: 2 }));
    expect(deployment.addresses()).toEqual([]);
    await deployment.ready;
    const [first, second] = deployment.addresses();
    expect(first?.instance).toBe(`${deployment.deployment}/1#1`);
    expect(second?.instance).toBe(`${deployment.deployment}/2#1`);
    expect(first?.secret).toMatch(/^[0-9a-f]{64}$/);
    expect(first?.secret).not.toBe(second?.secret);
    expect(statSync(join(first?.socketPath ?? '', '..')).mode & 0o777).toBe(0o700);
    expect(deployment.kind?.()).toBe('framework');
    await until('stats have come', () => deployment.status()[0]?.rssBytes === 1000);
    expect(deployment.status()[0]).toMatchObject({ state: 'running', restarts: 0, cpuSeconds: 1.5 });
  });

  it('shows the application its own environment and nothing of the host', async () => {
    process.env['PORTICO_TEST_HOST_SECRET'] = 'do-not-tell';
    const spec = deploymentSpec(
      { printEnvironment: true },
      { env: { COLOUR: 'green', PORTICO_VERSION: 'forged' } },
    );
    const deployment = supervisor.launch(spec);
    await deployment.ready;
    delete process.env['PORTICO_TEST_HOST_SECRET'];
    await until('it has printed', () => deployment.lastOutput().length > 0);
    const { env, cwd, execArgv } = JSON.parse(deployment.lastOutput()[0] ?? '') as {
      env: Record<string, string>;
      cwd: string;
      execArgv: string[];
    };
    expect(JSON.stringify(env)).not.toContain('do-not-tell');
    expect(env).toMatchObject({
      COLOUR: 'green',
      NODE_ENV: 'production',
      PORTICO_APPLICATION: 'shop',
      PORTICO_CONTEXT_PATH: '/shop',
      PORTICO_VERSION: '1',
    });
    const allowed =
      /^(PATH|HOME|TMPDIR|LANG|LANGUAGE|LC_ALL|LC_CTYPE|TZ|NODE_ENV|COLOUR|PORTICO_\w+|NODE_CHANNEL_\w+)$/;
    expect(Object.keys(env).filter((name) => !allowed.test(name))).toEqual([]);
    expect(cwd).toBe(spec.folder);
    expect(execArgv).toContain('--max-old-space-size=64');
  });

  it.each(['load', 'configure', 'start', 'listen'] as const)(
    'tells step, stack and last output when %s fails',
    async (step) => {
      const spec = deploymentSpec({ failStep: step, print: 'about to break\n' });
      const failure = await failureOf(supervisor.launch(spec));
      expect(failure.code).toBe('PORTICO_START_FAILED');
      expect(failure.detail).toEqual({
        step,
        message: 'it broke',
        stack: 'at shop.js:1',
        lastOutput: ['about to break'],
        folder: spec.folder,
      });
      expect(supervisor.list()).toEqual([]);
    },
  );

  it.each([
    ['it exits', { exitBeforeReady: 4, printError: 'no database\n' }, {}, 'exit', 'exited with code 4'],
    [
      'it is never ready',
      { neverReady: true },
      { startTimeoutMs: 2500 },
      'timeout',
      'After 2.5 s it was not ready',
    ],
    [
      'it blocks',
      { blockBeforeReady: true },
      { startTimeoutMs: 2500 },
      'timeout',
      'After 2.5 s it was not ready',
    ],
    [
      'no agent answers',
      {},
      { startTimeoutMs: 400, env: { FIXTURE_NO_HELLO: '1' } },
      'timeout',
      'agent did not load',
    ],
  ] as const)('fails when %s, and leaves no process', async (_, config, settings, step, message) => {
    const deployment = supervisor.launch(deploymentSpec(config, settings));
    const pids = await startedPids(deployment);
    const failure = await failureOf(deployment);
    expect(failure.detail.step).toBe(step);
    expect(failure.detail.message).toContain(message);
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('fails with the step spawn when the folder of the bundle is gone', async () => {
    const spec = { ...deploymentSpec(), folder: join(base, 'gone') };
    const failure = await failureOf(supervisor.launch(spec));
    expect(failure.detail.step).toBe('spawn');
    expect(failure.message).toContain('ENOENT');
  });

  it('stops the other instances when one does not start', async () => {
    const deployment = supervisor.launch(deploymentSpec({ failNumber: 2 }, { instances: 3 }));
    const pids = await startedPids(deployment);
    const failure = await failureOf(deployment);
    expect(failure.detail).toMatchObject({ step: 'exit', message: 'The process exited with code 9.' });
    expect(pids.filter(isAlive)).toEqual([]);
  });

  it('refuses what runs in no process, and anything after the stop', async () => {
    const spec = deploymentSpec();
    const manifest = { ...spec.manifest, entry: { kind: 'static', folder: base } as const };
    expect(() => supervisor.launch({ ...spec, manifest })).toThrow(/kind static/);
    await supervisor.stop();
    expect(() => supervisor.launch(spec)).toThrow(/supervisor is stopped/);
  });
});

describe('keeping alive', () => {
  it('starts a crashed instance again under a new name and address', async () => {
    const deployment = supervisor.launch(deploymentSpec());
    await deployment.ready;
    const changes = changesOf(deployment);
    const [before] = deployment.addresses();
    await until('stats have come', () => deployment.status()[0]?.cpuSeconds === 1.5);
    process.kill(onlyPid(deployment), 'SIGKILL');
    // The front notices at the same time; that must not hide the true reason.
    deployment.suspect(before?.instance ?? '', 'ECONNRESET');
    await until('it is back', () => deployment.addresses()[0]?.instance === `${deployment.deployment}/1#2`);
    expect(changes.map((change) => change.kind)).toEqual(['addresses', 'restarting', 'addresses']);
    expect(changes[1]).toMatchObject({ reason: 'was ended by SIGKILL', instance: before?.instance });
    expect(deployment.addresses()[0]?.socketPath).not.toBe(before?.socketPath);
    expect(deployment.addresses()[0]?.secret).not.toBe(before?.secret);
    await until('its processor time adds up', () => deployment.status()[0]?.cpuSeconds === 3);
    expect(deployment.status()[0]?.restarts).toBe(1);
  });

  it('gives up after too many crashes, with the reason and the last lines', async () => {
    const deployment = supervisor.launch(deploymentSpec({ exitAfterMs: 20, printError: 'boom\n' }));
    await deployment.ready;
    const changes = changesOf(deployment);
    await until('it is given up', () => changes.some((change) => change.kind === 'failed'));
    const last = changes.at(-1);
    expect(last?.kind === 'failed' ? last.reason : '').toMatch(/3 times within 60 s.*exited with code 3/);
    expect(deployment.lastOutput()).toEqual(['boom', 'boom', 'boom']);
    expect(deployment.addresses()).toEqual([]);
    expect(deployment.status()[0]).toMatchObject({ state: 'failed', pid: undefined, restarts: 2 });
  });

  it.each([
    ['blocks its event loop', { blockAfterMs: 50 }],
    ['is stopped by a signal', {}],
  ])('kills and replaces an instance that %s', async (what, config) => {
    const deployment = supervisor.launch(deploymentSpec(config, { hangTimeoutMs: 1500 }));
    await deployment.ready;
    const changes = changesOf(deployment);
    const pid = onlyPid(deployment);
    if (what.includes('signal')) process.kill(pid, 'SIGSTOP');
    await until('it is replaced', () => changes.some((change) => change.kind === 'restarting'));
    expect(changes.find((change) => change.kind === 'restarting')).toMatchObject({
      reason: 'did not answer for 1.5 s and was killed',
    });
    expect(isAlive(pid)).toBe(false);
  });

  it.each([
    ['closes its control channel', { disconnect: true }, /exited with code 1|control channel/],
    ['writes no JSON to its control channel', { writeRaw: 'bad\n' }, /wrote to its control channel/],
    ['writes a line without end', { writeRaw: 'x'.repeat(300_000) }, /wrote to its control channel/],
    ['floods its control channel', { floodMessages: true }, /flooded its control channel/],
  ])('replaces an instance that %s', async (_, config, reason) => {
    const deployment = supervisor.launch(deploymentSpec(config));
    await deployment.ready;
    const changes = changesOf(deployment);
    await until('it is replaced', () => changes.some((change) => change.kind === 'restarting'));
    const restarting = changes.find((change) => change.kind === 'restarting');
    expect(restarting?.kind === 'restarting' ? restarting.reason : '').toMatch(reason);
  });

  it('ignores messages that are no reports', async () => {
    const deployment = supervisor.launch(deploymentSpec({ junk: true }));
    await deployment.ready;
    await until('real stats have come', () => deployment.status()[0]?.rssBytes === 1000);
    expect(deployment.status()[0]).toMatchObject({ state: 'running', restarts: 0 });
  });

  it('replaces a suspected instance whose socket is dead, and keeps one that is well', async () => {
    const dead = supervisor.launch(deploymentSpec({ closeSocket: true }));
    const well = supervisor.launch(deploymentSpec());
    await Promise.all([dead.ready, well.ready]);
    await until('the socket is closed', () => dead.lastOutput().includes('socket closed'));
    const deadChanges = changesOf(dead);
    const wellChanges = changesOf(well);
    const pid = onlyPid(well);
    dead.suspect(dead.addresses()[0]?.instance ?? '', 'ECONNREFUSED');
    well.suspect(well.addresses()[0]?.instance ?? '', 'handshake failed');
    well.suspect('somebody else', 'nonsense');
    await until('the dead one is replaced', () => deadChanges.some((change) => change.kind === 'restarting'));
    await until('the other is announced again', () => wellChanges.length > 0);
    expect(wellChanges).toEqual([{ kind: 'addresses' }]);
    expect(onlyPid(well)).toBe(pid);
  });
});

describe('stopping', () => {
  it('is told of beforehand, once, to instances that run and to those that get ready later', async () => {
    const running = supervisor.launch(deploymentSpec());
    await running.ready;
    supervisor.prepareStop();
    running.prepareStop?.('replaced');
    const late = supervisor.launch(deploymentSpec({ exitAfterMs: 50 }));
    await late.ready;
    await until('a crashed one is back and knows too', () => {
      const told = late.lastOutput().filter((line) => line === 'preparing to stop');
      return told.length > 1 || undefined;
    });
    for (const deployment of [running, late]) await deployment.stop();
    expect(running.lastOutput()).toEqual(['preparing to stop', 'stopping well']);
  });

  it('lets the application stop well, and removes its socket', async () => {
    const deployment = supervisor.launch(deploymentSpec({}, { stopTimeoutMs: WAIT_MS }));
    await deployment.ready;
    const changes = changesOf(deployment);
    const pid = onlyPid(deployment);
    const socketPath = deployment.addresses()[0]?.socketPath ?? '';
    const stopped = deployment.stop();
    expect(deployment.addresses()).toEqual([]);
    await Promise.all([stopped, deployment.stop()]);
    expect(deployment.lastOutput()).toEqual(['stopping well']);
    expect(deployment.status()[0]?.state).toBe('stopped');
    expect(isAlive(pid)).toBe(false);
    expect(readdirSync(join(socketPath, '..'))).toEqual([]);
    expect(changes).toEqual([]);
    expect(supervisor.list()).toEqual([]);
  });

  it('kills at the deadline what does not stop, with everything it spawned', async () => {
    const deployment = supervisor.launch(
      deploymentSpec({ ignoreStop: true, grandchild: true }, { stopTimeoutMs: 300 }),
    );
    await deployment.ready;
    await until('the grandchild is there', () => deployment.lastOutput().length > 0);
    const grandchild = Number(/grandchild (\d+)/.exec(deployment.lastOutput()[0] ?? '')?.[1]);
    expect(isAlive(grandchild)).toBe(true);
    const pid = onlyPid(deployment);
    const started = performance.now();
    await deployment.stop();
    expect(performance.now() - started).toBeGreaterThanOrEqual(290);
    expect(isAlive(pid)).toBe(false);
    await until('the grandchild is gone', () => !isAlive(grandchild) || isZombie(grandchild));
  });

  it('ends what an instance has spawned into a session of its own, and nothing of another one', async () => {
    const deployment = supervisor.launch(deploymentSpec({ grandchild: 'detached' }));
    const other = supervisor.launch(deploymentSpec({ grandchild: 'detached' }));
    const grandchildOf = async (launched: DeploymentProcess): Promise<number> => {
      await launched.ready;
      await until('the grandchild is there', () => launched.lastOutput().length > 0);
      return Number(/grandchild (\d+)/.exec(launched.lastOutput()[0] ?? '')?.[1]);
    };
    const grandchild = await grandchildOf(deployment);
    const kept = await grandchildOf(other);
    await deployment.stop();
    await until('the grandchild is gone', () => !isAlive(grandchild) || isZombie(grandchild));
    expect(isAlive(kept)).toBe(true);
  });

  it('ends a start that is under way, and a wait for the next start', async () => {
    const starting = supervisor.launch(deploymentSpec({ neverReady: true }));
    const pids = await startedPids(starting);
    await starting.stop();
    expect((await failureOf(starting)).detail.message).toContain('stopped while it started');
    expect(pids.filter(isAlive)).toEqual([]);

    const restart = { minDelayMs: 60_000, maxDelayMs: 60_000, maxCrashes: 5, windowMs: 60_000 };
    const waiting = supervisor.launch(deploymentSpec({ exitAfterMs: 10 }, { restart }));
    await waiting.ready;
    await until('it waits', () => waiting.status()[0]?.state === 'waiting');
    await waiting.stop();
    expect(waiting.status()[0]?.state).toBe('stopped');
  });

  it('leaves no process and no descriptor after 50 launches', async () => {
    const pids: number[] = [];
    const cycle = async (): Promise<void> => {
      const deployment = supervisor.launch(deploymentSpec());
      await deployment.ready;
      pids.push(onlyPid(deployment));
      await deployment.stop();
    };
    await cycle();
    const before = descriptors();
    for (let round = 0; round < 10; round += 1) await Promise.all(Array.from({ length: 5 }, cycle));
    expect(pids.filter(isAlive)).toEqual([]);
    await until('descriptors are closed', () => descriptors() <= before + 2);
  });
});

describe('output', () => {
  it('is written with time, process and stream, escaped, one line each', async () => {
    const deployment = supervisor.launch(
      deploymentSpec(
        { print: 'one\n\u001b[31mred\u0007\rforged\ntorso', printError: 'to error\n' },
        { stopTimeoutMs: WAIT_MS },
      ),
    );
    await deployment.ready;
    await deployment.stop();
    await supervisor.stop();
    const lines = outputFile().split('\n');
    const label = `${deployment.deployment}/1#1`;
    expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^\\d{4}-\\S+Z ${label} out one$`)));
    expect(lines).toContainEqual(expect.stringMatching(/out \\x1b\[31mred\\x07\\rforged$/));
    expect(lines).toContainEqual(expect.stringMatching(/err to error$/));
  });

  it('is rotated, limited in a flood, and never stops the application', async () => {
    const deployment = supervisor.launch(deploymentSpec({ floodLines: 100_000 }));
    await deployment.ready;
    await until('the flood is over', () => deployment.lastOutput().at(-1) === 'flood over');
    expect(deployment.status()[0]).toMatchObject({ state: 'running', restarts: 0 });
    expect(deployment.lastOutput().length).toBe(50);
    await deployment.stop();
    await supervisor.stop();
    const files = readdirSync(join(base, 'logs/shop'));
    expect(files.sort()).toEqual(['output.log', 'output.log.1', 'output.log.2']);
    for (const file of files)
      expect(statSync(join(base, 'logs/shop', file)).size).toBeLessThan(2 * 1024 * 1024);
    const written = files.map((file) => readFileSync(join(base, 'logs/shop', file), 'utf8')).join('');
    const notices = written.match(/lines left out/g) ?? [];
    expect(notices.length).toBeGreaterThanOrEqual(1);
    // At most one a second, however slowly it is written.
    expect(notices.length).toBeLessThan(100);
  });
});

function descriptors(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return !readlinkSync(`/proc/self/fd/${fd}`).startsWith('/proc');
    } catch {
      return false;
    }
  }).length;
}

/** A killed orphan waits for the system to collect it. */
function isZombie(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.startsWith('Z') ?? true;
  } catch {
    return true;
  }
}
