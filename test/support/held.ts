import { until } from '#test/support/polling.js';

/** What a process holds when its garbage is collected. */
export interface Held {
  /** Bytes. */
  readonly heapUsed: number;
  /** Bytes. */
  readonly external: number;
  /** Handles, requests and timers by kind. */
  readonly resources: Readonly<Record<string, number>>;
}

/**
 * Asks a process that has loaded `test/fixtures/storms/probe.cjs`, or `stress/probe.cjs` beside it. `output` is what it has
 * written to standard error so far; no other process that is asked may write there meanwhile.
 */
export async function heldBy(pid: number, output: () => string): Promise<Held> {
  const probes = () => [...output().matchAll(/^PROBE (\{.*\})$/gm)].map(([, json]) => json as string);
  const seen = probes().length;
  process.kill(pid, 'SIGUSR2');
  return JSON.parse(await until('the process tells what it holds', () => probes()[seen])) as Held;
}
