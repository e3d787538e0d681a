import { readdirSync, readFileSync } from 'node:fs';
import { childrenOf, commandOf } from '#test/bench/memory.js';
import type { TestHost } from '#test/support/host.js';

/** The front of a host (Linux). */
export function frontOf(host: TestHost): number {
  const front = childrenOf(host.pid).find((pid) => commandOf(pid).includes('front/main'));
  if (front === undefined) throw new Error(`the host ${host.pid} has no front`);
  return front;
}

/** Open descriptors of a process (Linux). */
export function descriptorsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Resident bytes of a process, now or at most so far (Linux). */
export function residentBytes(pid: number, which: 'VmRSS' | 'VmHWM' = 'VmRSS'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`^${which}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
}

/** Sum of the values of a series of `/metrics`; `labels` is what must stand among its labels. */
export async function metricOf(host: TestHost, name: string, labels = ''): Promise<number> {
  const metrics = await (await host.admin('/metrics')).text();
  const series = new RegExp(`^${name}(?:\\{([^}]*)\\})? (\\S+)$`, 'gm');
  let sum = 0;
  for (const [, found = '', value] of metrics.matchAll(series))
    if (found.includes(labels)) sum += Number(value);
  return sum;
}

/** Processes whose environment holds this (Linux). */
export function processesWith(environment: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(environment);
      } catch {
        // It has ended, or belongs to somebody else.
        return false;
      }
    });
}
