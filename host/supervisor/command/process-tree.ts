import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/**
 * What `/proc` tells of a program that has no agent to report for it. Where there is no `/proc` (macOS) nothing is known, and
 * every function says so. Processes end while one looks: what cannot be read is left out.
 */

/** What a process and all that descend from it use. */
export interface TreeUsage {
  readonly rssBytes: number;
  readonly cpuUserMicros: number;
  readonly cpuSystemMicros: number;
}

/** Memory and CPU time of `root` and its descendants; undefined when it is gone or nothing can be known. */
export function usageOf(root: number): TreeUsage | undefined {
  let isKnown = false;
  let rssBytes = 0;
  let user = 0;
  let system = 0;
  for (const pid of descendants(root)) {
    const stat = statOf(pid);
    if (stat === undefined) continue;
    isKnown = true;
    rssBytes += residentBytesOf(pid) ?? 0;
    // Children it has waited for are counted too, or their time would be lost with them.
    user += Number(stat[11]) + Number(stat[13]);
    system += Number(stat[12]) + Number(stat[14]);
  }
  if (!isKnown) return undefined;
  return { rssBytes, cpuUserMicros: user * TICK_MICROS, cpuSystemMicros: system * TICK_MICROS };
}

/** Resident size of one process alone; undefined when it is gone or nothing can be known. */
export function residentBytesOf(pid: number): number | undefined {
  const memory = /^VmRSS:\s*(\d+) kB/m.exec(read(`/proc/${pid}/status`) ?? '');
  return memory === null ? undefined : Number(memory[1]) * 1024;
}

/**
 * Whether a listening TCP socket on `port` belongs to the session that `leader` leads; undefined when that cannot be known.
 */
export function isListening(leader: number, port: number): boolean | undefined {
  const tables = ['/proc/net/tcp', '/proc/net/tcp6'].map(read);
  if (tables.every((table) => table === undefined)) return undefined;
  const wanted = new Set<string>();
  for (const table of tables) {
    for (const line of table?.split('\n').slice(1) ?? []) {
      const fields = line.trim().split(/\s+/);
      const isOurs = Number.parseInt(fields[1]?.split(':')[1] ?? '', 16) === port;
      if (isOurs && fields[3] === LISTEN) wanted.add(`socket:[${fields[9]}]`);
    }
  }
  return sessionOf(leader).some((pid) => socketsOf(pid).some((socket) => wanted.has(socket)));
}

/** Whether a process stands still by SIGSTOP or a debugger; false where that cannot be known. */
export function isSuspended(pid: number): boolean {
  return /^[Tt]$/.test(statOf(pid)?.[0] ?? '');
}

/** Clock ticks of Linux are of 10 ms for every program, whatever the kernel itself uses. */
const TICK_MICROS = 10_000;
const LISTEN = '0A';

/** A process and all that descend from it, at most 1,000. */
export function descendants(root: number): number[] {
  const found = [root];
  for (let i = 0; i < found.length && i < MAX_PROCESSES; i++) {
    const pid = found[i];
    for (const thread of list(`/proc/${pid}/task`)) {
      const children = read(`/proc/${pid}/task/${thread}/children`)?.trim();
      if (children) found.push(...children.split(' ').map(Number));
    }
  }
  return found;
}

/** A program that forks without end must not keep the server busy. */
const MAX_PROCESSES = 1000;

function sessionOf(leader: number): number[] {
  const pids = list('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => pid === leader || statOf(pid)?.[3] === String(leader));
}

function socketsOf(pid: number): string[] {
  return list(`/proc/${pid}/fd`).flatMap((descriptor) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${descriptor}`)];
    } catch {
      // Closed since.
      return [];
    }
  });
}

/** The fields of `stat` behind the name: state, parent, group, session, … The name may hold anything. */
function statOf(pid: number): string[] | undefined {
  const text = read(`/proc/${pid}/stat`);
  return text?.slice(text.lastIndexOf(')') + 2).split(' ');
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // It has ended, or belongs to somebody else.
    return [];
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    // As above.
    return undefined;
  }
}
