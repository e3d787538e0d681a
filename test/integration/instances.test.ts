import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { DEFAULT_PROCESS_LIMITS } from '#host/config/instance-settings.js';
import { Supervisor, type SupervisorOptions } from '#host/supervisor/supervisor.js';
import { deploymentSpec, temporaryFolder } from '#test/support/deployment-specs.js';
import { fixtureSupervisor } from '#test/support/fixture-supervisor.js';
import { isAlive, until } from '#test/support/polling.js';
import { RecordedEvents } from '#test/support/recorded-events.js';

let base: string;
let options: SupervisorOptions;
let supervisor: Supervisor;
let events: RecordedEvents;
let loadFile: string;

beforeEach(() => {
  base = temporaryFolder('instances');
  events = new RecordedEvents();
  loadFile = join(base, 'load.json');
  options = { ...fixtureSupervisor(base, events.log), maxInstances: 3 };
  supervisor = new Supervisor(options);
});

afterEach(async () => {
  await supervisor.stop();
  rmSync(base, { recursive: true, force: true });
});

const scaling = { max: 9, upAbove: 0.7, downBelow: 0.2, queue: 100, coolDownMs: 300 };
const load = (utilization: number) => writeFileSync(loadFile, JSON.stringify({ utilization }));

describe('the number of processes of a deployment', () => {
  it('follows the load, up to what the host has room for, and back', async () => {
    load(0.9);
    const deployment = supervisor.launch(deploymentSpec({ loadFile }, { scaling }));
    await deployment.ready;
    let changes = 0;
    deployment.onChange(() => {
      changes += 1;
    });
    await until('there are three', () => deployment.addresses().length === 3);
    await until('the fourth is refused', () => events.of('scale-refused').length > 0);
    expect(events.of('scaled-up')).toMatchObject([
      { application: 'shop##1', details: { from: 1, to: 2, utilization: 0.9 } },
      { details: { from: 2, to: 3 } },
    ]);
    expect(changes).toBeGreaterThanOrEqual(2);
    const pids = deployment.status().map(({ pid }) => pid ?? 0);
    load(0.05);
    await until('one is left', () => deployment.status().length === 1);
    expect(events.of('scaled-down')).toHaveLength(2);
    expect(pids.map(isAlive)).toEqual([true, false, false]);
    expect(deployment.lastOutput()).toContain('stopping well');
  });
});

describe('a measured limit', () => {
  const processLimits = { ...DEFAULT_PROCESS_LIMITS, maxFiles: 100, exceeded: 'restart' as const };

  it('ends the process when that is wished, and tells why', async () => {
    const deployment = supervisor.launch(deploymentSpec({ openFiles: 200 }, { processLimits }));
    await deployment.ready;
    const crash = await until('it is replaced', () => deployment.status()[0]?.lastCrash);
    expect(crash.reason).toMatch(/^had 10\d files open, limits\.files is 100, and was killed$/);
    expect(events.of('files-limit')[0]).toMatchObject({ details: { limit: 100, action: 'restart' } });
  });

  it('holds a process to its share of the processors from its first line of code on', async () => {
    const root = join(base, 'cgroup');
    mkdirSync(root);
    for (const [name, text] of [
      ['cgroup.controllers', 'cpu'],
      ['cgroup.subtree_control', 'cpu'],
      ['self', '0::/'],
    ] as const)
      writeFileSync(join(root, name), `${text}\n`);
    const held = new Supervisor({ ...options, cpuGroups: { root, self: join(root, 'self') } });
    const limits = { ...DEFAULT_PROCESS_LIMITS, maxCpuShare: 0.5 };
    const cat = `cat ${root}/portico-*/cgroup.procs; echo; exec sleep 100`;
    const spec = deploymentSpec({}, { processLimits: limits });
    const entry = { kind: 'command', command: ['sh', '-c', cat], listen: 'port' } as const;
    try {
      const agent = held.launch(spec);
      await agent.ready;
      const [group = ''] = readdirSync(root).filter((name) => name.startsWith('portico-'));
      expect(readFileSync(join(root, group, 'cgroup.procs'), 'utf8')).toBe(String(agent.status()[0]?.pid));
      await agent.stop();
      rmSync(join(root, group), { recursive: true, force: true });
      const program = held.launch({ ...spec, manifest: { ...spec.manifest, entry } });
      const { pid } = await until('it is there', () => program.status().find((one) => one.pid !== undefined));
      await until('it has begun', () => program.lastOutput().includes(String(pid)));
      await program.stop();
    } finally {
      await held.stop();
    }
  });

  it('is told and nothing more by default', async () => {
    const limits = { ...processLimits, exceeded: 'report' as const };
    const deployment = supervisor.launch(deploymentSpec({ openFiles: 200 }, { processLimits: limits }));
    await deployment.ready;
    await until('it is told', () => events.of('files-limit').length > 0);
    expect(deployment.status()[0]).toMatchObject({ state: 'running', restarts: 0 });
  });
});
