import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { descendantsOf, proportionalBytes, settledBytes } from '#test/bench/memory.js';
import { heldBy } from '#test/support/held.js';
import { descriptorsOf, frontOf } from '#test/support/processes.js';
import type { StressedHost } from './stressed-host.js';

/** What the host holds while nothing happens: figures that redeploys must not raise. */
export interface Baseline {
  /** Of server, front and applications. */
  readonly processes: number;
  readonly serverDescriptors: number;
  readonly frontDescriptors: number;
  /** Of all applications. */
  readonly instanceDescriptors: number;
  /** What the server's JavaScript holds after a garbage collection, in bytes. */
  readonly serverHeapBytes: number;
  /** Handles and timers of the server. */
  readonly serverHandles: number;
  /** Proportional memory, in bytes; with garbage, unless it was waited for. */
  readonly serverBytes: number;
  readonly frontBytes: number;
  /** Contents in the store. */
  readonly contents: number;
}

/**
 * Measures the host when it is whole. The load MUST be stopped. `settles`: waits until memory falls no more, up to a
 * minute.
 */
export async function measureBaseline(stressed: StressedHost, settles: boolean): Promise<Baseline> {
  await stressed.untilWhole();
  const { host } = stressed;
  const front = frontOf(host);
  const { heapUsed, external, resources } = await heldBy(host.pid, () => host.log);
  const pids = [host.pid, front] as const;
  const [serverBytes, frontBytes] = settles ? await settledBytes(pids) : pids.map(proportionalBytes);
  const descendants = descendantsOf(host.pid);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  return {
    processes: descendants.length + 1,
    serverDescriptors: descriptorsOf(host.pid),
    frontDescriptors: descriptorsOf(front),
    instanceDescriptors: sum(descendants.filter((pid) => pid !== front).map(descriptorsOf)),
    serverHeapBytes: heapUsed + external,
    serverHandles: sum(Object.values(resources)),
    serverBytes: serverBytes ?? Number.NaN,
    frontBytes: frontBytes ?? Number.NaN,
    contents: readdirSync(join(host.base, 'work/store')).length,
  };
}
