import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeBase, TestHost } from '#test/support/host.js';
import { repositoryFolder } from '#test/support/paths.js';
import { median, rounded } from './figures.js';
import { childrenOf, commandOf, settledBytes } from './memory.js';

const tries = Number(process.env['BENCH_WAKES'] ?? 10);
const READY_DEADLINE_MS = 60_000;
/** The clean-up behind an application that was stopped is not to fall into the next measurement. */
const QUIET_MS = 300;

const kinds = { '(req, res)': 'handler', Express: 'express', framework: 'framework' } as const;
const lazy = 'portico: { servlet: { start: { when: lazy } } }\n';

/**
 * How long the first request takes to an application that has no process, on hosts with and without spare processes, by turns:
 * each try is another application. Also what a spare costs. BENCH_WAKES says how many tries (10).
 */
export async function measureWaking(): Promise<object> {
  const without = await start('supervisor: { spares: 0 }\n');
  const with_ = await start('supervisor: { spares: { server: 1, framework: 1 } }\n');
  const hosts = { 'no spare': without, spare: with_ } as const;
  const samples = new Map<string, number[]>();
  try {
    await sparesOf(with_);
    const spareMiB = await settledSpares(with_);
    for (let number = 0; number < tries; number++) {
      for (const [kind, subject] of Object.entries(kinds)) {
        for (const [name, host] of Object.entries(hosts)) {
          await sparesOf(with_);
          const ms = await firstRequest(host, `${subject}${number}`);
          const key = `${kind}, ${name}`;
          samples.set(key, [...(samples.get(key) ?? []), ms]);
        }
      }
    }
    const results = [...samples].map(([what, times]) => ({
      what: `ms of the first request: ${what}`,
      median: rounded(median(times), 0),
      min: rounded(Math.min(...times), 0),
      max: rounded(Math.max(...times), 0),
      tries: times.length,
    }));
    console.table(results);
    console.table(spareMiB);
    return { results, spareMiB };
  } finally {
    await Promise.all([without.stop(), with_.stop()]);
  }
}

async function start(config: string): Promise<TestHost> {
  const subjects = join(repositoryFolder, 'test/bench/subjects');
  const base = makeBase({ config });
  const host = await TestHost.startOn(base);
  mkdirSync(join(base, 'apps'), { recursive: true });
  for (let number = 0; number < tries; number++)
    for (const subject of Object.values(kinds)) {
      host.dropFile(`${subject}${number}.yaml`, lazy);
      host.drop(`${subject}${number}`, join(subjects, subject));
    }
  for (let number = 0; number < tries; number++)
    for (const subject of Object.values(kinds))
      await host.untilApplication(
        `${subject}${number}`,
        ({ state, fingerprint }) => state === 'stopped' && fingerprint !== undefined,
      );
  return host;
}

async function firstRequest(host: TestHost, name: string): Promise<number> {
  const from = performance.now();
  const answer = await host.get(`/${name}/`);
  await answer.text();
  const ms = performance.now() - from;
  if (!answer.ok) throw new Error(`${name} answered ${answer.status}`);
  await host.admin(`/v1/applications/${name}/stop`, 'POST');
  await delay(QUIET_MS);
  return ms;
}

/** Waits until all spares are ready; their process ids by kind. */
async function sparesOf(host: TestHost): Promise<Record<string, number>> {
  const deadline = performance.now() + READY_DEADLINE_MS;
  for (;;) {
    const { server } = (await (await host.admin('/v1/server')).json()) as {
      server: { spares: { processes: { pid: number; kind: string; state: string }[] } };
    };
    const ready = server.spares.processes.filter(({ state }) => state === 'ready');
    if (ready.length === 2) return Object.fromEntries(ready.map(({ kind, pid }) => [kind, pid]));
    if (performance.now() > deadline) throw new Error('the spares were not ready in time');
    await delay(100);
  }
}

/** Proportional MiB of the parts of a host that waits. */
async function settledSpares(host: TestHost): Promise<Record<string, number>> {
  const front = childrenOf(host.pid).find((pid) => commandOf(pid).includes('/front/')) ?? 0;
  const spares = await sparesOf(host);
  const pids = { server: host.pid, front, 'spare for servers': spares['server'] ?? 0 };
  const all = { ...pids, 'spare with the framework': spares['framework'] ?? 0 };
  const bytes = await settledBytes(Object.values(all));
  return Object.fromEntries(
    Object.keys(all).map((name, index) => [name, rounded((bytes[index] ?? 0) / 1024 ** 2, 1)]),
  );
}
