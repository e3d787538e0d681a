import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Proportional set size of a process in bytes (Linux); NaN elsewhere. */
export function proportionalBytes(pid: number): number {
  try {
    const kib = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
    return Number(kib ?? Number.NaN) * 1024;
  } catch {
    return Number.NaN;
  }
}

/** Nothing has fallen for so long: it is idle. */
const SETTLED_MS = 15_000;
const SETTLE_DEADLINE_MS = 60_000;
/** A fall by less is noise. */
const FALL = 0.02;

/**
 * Memory of processes once they are idle. V8 gives back what a start has used in one step, about ten seconds after
 * the last work (its memory reducer), and in the server later, as it looks at the drop folder all the time.
 */
export async function settledBytes(pids: readonly number[]): Promise<number[]> {
  const total = (): number => pids.reduce((sum, pid) => sum + proportionalBytes(pid), 0);
  const deadline = performance.now() + SETTLE_DEADLINE_MS;
  let lowest = total();
  if (Number.isNaN(lowest)) return pids.map(proportionalBytes);
  let fellAt = performance.now();
  while (performance.now() < Math.min(deadline, fellAt + SETTLED_MS)) {
    await delay(1000);
    const now = total();
    if (now > lowest * (1 - FALL)) continue;
    lowest = now;
    fellAt = performance.now();
  }
  return pids.map(proportionalBytes);
}

/** Direct children of a process (Linux). */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8'))?.[1]) === pid;
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** All processes below a process (Linux). */
export function descendantsOf(pid: number): number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)]);
}

/** Command line of a process, its arguments separated by blanks (Linux). */
export function commandOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
}
