import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../errors.js';
import type { ServerLog } from '../../log/server-log.js';
import { isProcessAlive } from '../../process-alive.js';
import { systemCodeOf } from '../../system-error.js';
import { descendants } from '../command/process-tree.js';

/** Where the files of the system are; tests have their own. */
export interface CpuGroupPlaces {
  /** Default `/sys/fs/cgroup`. */
  readonly root: string;
  /** Tells the group of this process. Default `/proc/self/cgroup`. */
  readonly self: string;
}

const SYSTEM: CpuGroupPlaces = { root: '/sys/fs/cgroup', self: '/proc/self/cgroup' };

/**
 * Holds processes to a share of the processors by control groups of Linux (cgroup v2), one group for each process and what it
 * starts. It needs a part of the tree that this process may write to, with the controller `cpu`: `Delegate=cpu` of a systemd unit
 * gives that. Where it cannot be had nothing is held and one log line says why; the share is measured anyway.
 *
 * A group with processes of its own can have no groups with limits below it (cgroup-v2.rst, "No Internal Process Constraint"),
 * so the host and what it has started move into `portico-host` when the first group is needed. Owned by the supervisor.
 */
export class CpuGroups {
  readonly #places: CpuGroupPlaces;
  readonly #log: ServerLog;
  /** The group that those of processes lie in. `''`: there can be none. */
  #base: string | undefined;
  #serial = 0;

  constructor(log: ServerLog, places: CpuGroupPlaces = SYSTEM) {
    this.#log = log;
    this.#places = places;
  }

  /** A group that may use so many processors, 0.5 is half of one. Undefined where that cannot be enforced. */
  open(share: number): CpuGroup | undefined {
    try {
      this.#base ??= this.#find();
      if (this.#base === '') return undefined;
      this.#serial += 1;
      const folder = join(this.#base, `${PREFIX}${process.pid}-${this.#serial.toString(36)}`);
      mkdirSync(folder);
      writeFileSync(join(folder, 'cpu.max'), `${Math.max(1000, Math.round(share * PERIOD_US))} ${PERIOD_US}`);
      return new CpuGroup(folder, (reason) => this.#tell(reason));
    } catch (error) {
      this.#base = '';
      this.#tell(reasonOf(error));
      return undefined;
    }
  }

  /** Throws what is missing. */
  #find(): string {
    const { root, self } = this.#places;
    if (readIfAny(join(root, 'cgroup.controllers')) === undefined) throw new Error(`${root} is no cgroup v2`);
    const path = /^0::(\/.*)$/m.exec(readIfAny(self) ?? '')?.[1];
    if (path === undefined) throw new Error(`${self} names no group`);
    const own = join(root, path);
    const base = basename(own) === HOST ? dirname(own) : own;
    if (!hasCpu(base, 'cgroup.controllers')) throw new Error(`${base} has no controller cpu (Delegate=cpu)`);
    if (!hasCpu(base, 'cgroup.subtree_control')) {
      makeRoom(base);
      writeFileSync(join(base, 'cgroup.subtree_control'), '+cpu');
    }
    removeLeftovers(base);
    return base;
  }

  #tell(reason: string): void {
    this.#log.info({ reason }, `limits.cpu is measured, not enforced: ${reason}`);
  }
}

/** The group of one process. Owned by whoever owns the process. */
export class CpuGroup {
  readonly #folder: string;
  readonly #failed: (reason: string) => void;
  #hasJoined = false;

  constructor(folder: string, failed: (reason: string) => void) {
    this.#folder = folder;
    this.#failed = failed;
  }

  /** Whether the system holds a process to the share. */
  get isEnforced(): boolean {
    return this.#hasJoined;
  }

  /** Takes a process in; what it starts from then on is in too. */
  join(pid: number): void {
    try {
      writeFileSync(join(this.#folder, 'cgroup.procs'), String(pid));
      this.#hasJoined = true;
    } catch (error) {
      this.#failed(reasonOf(error));
    }
  }

  /** When its processes have ended. Never rejects: what is left goes with the next start of a host. */
  async remove(): Promise<void> {
    for (let attempt = 0; attempt < REMOVE_ATTEMPTS; attempt += 1) {
      try {
        await rmdir(this.#folder);
        return;
      } catch (error) {
        // The last process is about to go.
        if (systemCodeOf(error) !== 'EBUSY') return;
        await delay(REMOVE_MS);
      }
    }
  }
}

const PREFIX = 'portico-';
/** The group of the host itself. */
const HOST = `${PREFIX}host`;
const PERIOD_US = 100_000;
const REMOVE_ATTEMPTS = 20;
const REMOVE_MS = 25;

/** For people: what is wrong is no error of the program. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : messageOf(error);
}

function readIfAny(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // There is no such group, or no such file.
    return undefined;
  }
}

function hasCpu(group: string, file: string): boolean {
  return (readIfAny(join(group, file)) ?? '').trim().split(/\s+/).includes('cpu');
}

/** Moves this host out of the group; processes of others are not ours to move. */
function makeRoom(base: string): void {
  const pids = (readIfAny(join(base, 'cgroup.procs')) ?? '').split('\n').filter((pid) => pid !== '');
  if (pids.length === 0) return;
  const ours = new Set(descendants(process.pid).map(String));
  const foreign = pids.find((pid) => !ours.has(pid));
  if (foreign !== undefined)
    throw new Error(`process ${foreign} in ${base} is not of this host: give it a group of its own`);
  const host = join(base, HOST);
  mkdirSync(host, { recursive: true });
  for (const pid of pids) {
    try {
      writeFileSync(join(host, 'cgroup.procs'), pid);
    } catch (error) {
      // It has ended since.
      if (systemCodeOf(error) !== 'ESRCH') throw error;
    }
  }
}

/** Groups of hosts that are no more; those of a live one are not empty. */
function removeLeftovers(base: string): void {
  for (const name of readdirSync(base)) {
    const pid = /^portico-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || (Number(pid) !== process.pid && isProcessAlive(Number(pid)))) continue;
    try {
      rmdirSync(join(base, name));
    } catch {
      // What was in it is being ended now.
    }
  }
}
