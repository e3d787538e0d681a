import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createServerLog } from '#host/log/server-log.js';
import { CpuGroups } from '#host/supervisor/limits/cpu-groups.js';

/**
 * A folder with the files that a tree of control groups has: what is written to them can be read. It does not behave as the
 * system does (a list of processes is overwritten, nobody is held to anything), so this tells what is asked of the system only.
 */
let root: string;
let self: string;
let base: string;
let lines: string[];
const text = (): string => lines.join('');
const read = (path: string): string => readFileSync(join(base, path), 'utf8');
const groups = (): CpuGroups =>
  new CpuGroups(createServerLog({ format: 'json', out: { write: (line) => lines.push(line) } }), {
    root,
    self,
  });
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'portico-cgroup-'));
  self = join(root, 'self');
  base = join(root, 'system.slice/portico.service');
  lines = [];
  mkdirSync(base, { recursive: true });
  writeFileSync(self, '0::/system.slice/portico.service\n');
  writeFileSync(join(root, 'cgroup.controllers'), 'cpu memory\n');
  writeFileSync(join(base, 'cgroup.controllers'), 'cpu memory pids\n');
  writeFileSync(join(base, 'cgroup.subtree_control'), '');
  writeFileSync(join(base, 'cgroup.procs'), `${process.pid}\n`);
});
afterEach(() => rmSync(root, { recursive: true }));

describe('groups of processes with a share of the processors', () => {
  it('are made below the group of the host, which moves into one of its own', () => {
    const group = groups().open(0.5);
    expect(read('portico-host/cgroup.procs')).toBe(String(process.pid));
    expect(read('cgroup.subtree_control')).toBe('+cpu');
    const name = readdirSync(base).find((one) => one.startsWith(`portico-${process.pid}-`)) ?? '';
    expect(read(`${name}/cpu.max`)).toBe('50000 100000');
    expect(group?.isEnforced).toBe(false);
    group?.join(4711);
    expect(read(`${name}/cgroup.procs`)).toBe('4711');
    expect(group?.isEnforced).toBe(true);
    expect(text()).toBe('');
  });

  it('may have more than one processor, and each has its own', () => {
    const all = groups();
    expect([all.open(2.5), all.open(0.000_1)]).not.toContain(undefined);
    const made = readdirSync(base).filter((one) => one.startsWith(`portico-${process.pid}-`));
    expect(made.map((name) => read(`${name}/cpu.max`)).sort()).toEqual(['1000 100000', '250000 100000']);
  });

  it('move nobody when the controller is given on already, or the host is in its group from before', () => {
    writeFileSync(join(base, 'cgroup.subtree_control'), 'cpu\n');
    mkdirSync(join(base, 'portico-host'));
    writeFileSync(self, '0::/system.slice/portico.service/portico-host\n');
    expect(groups().open(1)).toBeDefined();
    expect(existsSync(join(base, 'portico-host/cgroup.procs'))).toBe(false);
    expect(read('cgroup.subtree_control')).toBe('cpu\n');
  });

  it('are removed with their process, and those of dead hosts at the next start', async () => {
    mkdirSync(join(base, 'portico-4194999-1'));
    mkdirSync(join(base, `portico-${process.ppid}-1`));
    const group = groups().open(1);
    expect(existsSync(join(base, 'portico-4194999-1'))).toBe(false);
    expect(existsSync(join(base, `portico-${process.ppid}-1`))).toBe(true);
    const name = readdirSync(base).find((one) => one.startsWith(`portico-${process.pid}-`)) ?? '';
    // The system removes the files with the group.
    rmSync(join(base, name, 'cpu.max'));
    await group?.remove();
    expect(existsSync(join(base, name))).toBe(false);
  });

  it.each<[string, () => void, RegExp]>([
    ['cgroup v1', () => rmSync(join(root, 'cgroup.controllers')), /is no cgroup v2/],
    ['no line for v2', () => writeFileSync(self, '3:cpu:/x\n'), /names no group/],
    [
      'no controller',
      () => writeFileSync(join(base, 'cgroup.controllers'), 'memory\n'),
      /no controller cpu \(Delegate=cpu\)/,
    ],
    [
      'processes of others',
      () => writeFileSync(join(base, 'cgroup.procs'), `1\n${process.pid}\n`),
      /process 1 in .* is not of this host/,
    ],
    [
      'no right to write',
      () => mkdirSync(join(base, 'portico-host/cgroup.procs'), { recursive: true }),
      /EISDIR/,
    ],
  ])('are not there with %s: one line says why, and the share is only measured', (_, spoil, why) => {
    spoil();
    const all = groups();
    expect([all.open(1), all.open(1)]).toEqual([undefined, undefined]);
    expect(text().match(/limits\.cpu is measured, not enforced/g)).toHaveLength(1);
    expect(text()).toMatch(why);
  });

  it('of a process that cannot be taken in hold nobody, and say so', () => {
    const group = groups().open(1);
    const name = readdirSync(base).find((one) => one.startsWith(`portico-${process.pid}-`)) ?? '';
    mkdirSync(join(base, name, 'cgroup.procs'));
    group?.join(4711);
    expect(group?.isEnforced).toBe(false);
    expect(text()).toMatch(/not enforced: .*EISDIR/);
  });
});
