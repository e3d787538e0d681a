import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { repositoryFolder } from '#test/support/paths.js';
import { stopped } from './alone.js';
import { limit, median, rounded } from './figures.js';
import { startHost } from './host.js';
import { load } from './load.js';
import { childrenOf, commandOf } from './memory.js';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);
const seconds = Number(process.env['BENCH_SECONDS'] ?? 3);
const wanted = Number(process.env['BENCH_IDLE'] ?? 10_000);

/** Descriptors of the front and of the clients beside the connections. */
const OTHER_DESCRIPTORS = 200;
const CONNECTIONS = 16;

/**
 * What idle connections cost: resident bytes of the front for each, when each has carried a request, and what they do to
 * the answers of others. BENCH_IDLE says how many (10,000). Skipped where a process may not open so many descriptors.
 */
export async function measureIdle(): Promise<object> {
  const descriptors = descriptorLimit();
  if (descriptors < wanted + OTHER_DESCRIPTORS) {
    console.log(
      `idle: skipped, ${wanted} connections need \`ulimit -n ${wanted + OTHER_DESCRIPTORS}\`; it is ${descriptors}`,
    );
    return { skipped: { wanted, descriptors } };
  }
  const limits = `{ maxConnections: ${wanted + 1000}, keepAliveTimeout: 1h }`;
  const host = await startHost({ framework: 'framework' }, `connectors: [{ limits: ${limits} }]\n`);
  const url = `${host.url}/framework/`;
  const front = childrenOf(host.pid).find((pid) => commandOf(pid).includes('/front/')) ?? 0;
  try {
    const before = await p99(url);
    const bytesBefore = residentBytes(front);
    const clients = await openIdle(Number(new URL(url).port), wanted, '/framework/');
    const bytesEach = (residentBytes(front) - bytesBefore) / wanted;
    const during = await p99(url);
    await stopped(clients);
    const results = [
      limit(`resident KiB of an idle connection, ${wanted} of them`, bytesEach / 1024, 15),
      limit(`p99 beside ${wanted} idle connections ÷ without`, during / before, 2),
    ];
    console.table(results);
    return { results, p99Ms: { before: rounded(before, 2), during: rounded(during, 2) } };
  } finally {
    await host.stop();
  }
}

async function p99(url: string): Promise<number> {
  const samples: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const { p99Ms } = await load(url, CONNECTIONS, seconds);
    if (round > 0) samples.push(p99Ms);
  }
  return median(samples);
}

/** Starts a process that opens connections, and waits until all are answered. */
export async function openIdle(port: number, count: number, path?: string): Promise<ChildProcess> {
  const file = join(repositoryFolder, 'test/bench/subjects/idle/clients.mjs');
  const args = [file, String(port), String(count), ...(path === undefined ? [] : [path])];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  for await (const line of createInterface(child.stdout as Readable)) {
    if (line === `${count} open`) break;
    if (line === 'lost') throw new Error('an idle connection was closed');
  }
  // Whatever was allocated while they were opened is settled by now, or never.
  await delay(1000);
  return child;
}

/** Resident bytes of a process (Linux). */
export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

/** How many descriptors this process, and what it starts, may have open. */
function descriptorLimit(): number {
  return Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1] ?? 0);
}
