import { setTimeout as delay } from 'node:timers/promises';
import { TestHost } from '#test/support/host.js';
import { limit, median, rounded } from './figures.js';
import { childrenOf, commandOf, settledBytes } from './memory.js';

const wanted = Number(process.env['BENCH_SLEEPING'] ?? 1000);
const DEPLOY_DEADLINE_MS = 600_000;
const WOKEN = 5;

const bundle = {
  'package.json': '{ "type": "module", "main": "app.js" }',
  'app.js': 'export default (request, response) => response.end("awake");',
  'application.yaml': 'portico: { servlet: { start: { when: lazy } } }\n',
};

/**
 * What applications cost that are deployed and have no process: memory of server and fronts for each of them, and how long
 * the first request to one takes. BENCH_SLEEPING says how many (1,000).
 */
export async function measureSleeping(): Promise<object> {
  const host = await TestHost.start({ apps: { first: bundle } });
  const fronts = childrenOf(host.pid).filter((pid) => commandOf(pid).includes('/front/'));
  const pids = [host.pid, ...fronts];
  try {
    const before = sum(await settledBytes(pids));
    const began = performance.now();
    for (let number = 1; number <= wanted; number++) host.drop(`app${number}`, bundle);
    await allAsleep(host, wanted + 1);
    const deployedMs = performance.now() - began;
    const after = await settledBytes(pids);
    const mibEach = (sum(after) - before) / wanted / 1024 ** 2;
    const wakeMs: number[] = [];
    for (let number = 1; number <= WOKEN; number++) {
      const from = performance.now();
      await host.text(`/app${number}/`);
      wakeMs.push(performance.now() - from);
    }
    const results = [limit(`MiB of an application without process, ${wanted} of them`, mibEach, 0.2)];
    console.table(results);
    const mib = after.map((bytes) => rounded(bytes / 1024 ** 2, 1));
    const figures = {
      deployedMs: rounded(deployedMs, 0),
      wakeMs: rounded(median(wakeMs), 0),
      serverMiB: mib[0],
      frontMiB: mib[1],
    };
    console.table(figures);
    return { results, ...figures };
  } finally {
    await host.stop();
  }
}

/** Looks seldom: a list of a thousand applications is work for the server that is measured. */
async function allAsleep(host: TestHost, count: number): Promise<void> {
  const deadline = performance.now() + DEPLOY_DEADLINE_MS;
  for (;;) {
    const asleep = (await host.applications()).filter(
      ({ state, fingerprint }) => state === 'stopped' && fingerprint,
    );
    if (asleep.length >= count) return;
    if (performance.now() > deadline)
      throw new Error(`only ${asleep.length} of ${count} were deployed in time`);
    await delay(1000);
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
