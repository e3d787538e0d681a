/**
 * `node dist/test/bench/cpu.js [subject…]`: CPU time of each process per request, the figure to work on when the
 * machine is too busy for requests per second to mean anything. Rounds are interleaved; figures are medians. Subjects
 * are those of `subjects/alone/server.mjs` (`node`), a bundle in a host of its own (`host:framework`), a line of the
 * group `framework` (`cio:json`, `fastify:json`), or a line of the group `connector` by a part of its name, against a host
 * (`connector:100 KiB`).
 *
 * BENCH_ROUNDS (default 3), BENCH_SECONDS (default 3) and BENCH_CONNECTIONS (default 64) set the load.
 * BENCH_PROFILE=FOLDER writes a `.cpuprofile` of each process of the subjects there instead.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryFolder } from '#test/support/paths.js';
import { startAlone, startServer } from './alone.js';
import { CONNECTOR_LINES } from './connector-lines.js';
import { cpuMicroseconds } from './cpu-time.js';
import { median, rounded } from './figures.js';
import { startConnectorHost, startHost } from './host.js';
import { LINES, lineServer } from './line.js';
import { type LoadKind, load } from './load.js';
import { childrenOf, commandOf } from './memory.js';
import { makePeerCertificate } from './peer-certificate.js';
import { sample } from './sampling.js';

/** What is loaded, and the processes that serve it by name. */
interface Subject {
  readonly url: string;
  readonly kind?: LoadKind;
  readonly connections?: number;
  readonly processes: Readonly<Record<string, number>>;
}

interface Sample {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  /** Microseconds of each process. */
  readonly perRequest: Readonly<Record<string, number>>;
}

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);
const seconds = Number(process.env['BENCH_SECONDS'] ?? 3);
const connections = Number(process.env['BENCH_CONNECTIONS'] ?? 64);
const profiles = process.env['BENCH_PROFILE'];
const wanted = process.argv.slice(2);
const names = wanted.length > 0 ? wanted : ['node', 'embedded', 'host:framework', 'host:handler'];

const stops: (() => Promise<unknown>)[] = [];
const subjects = new Map<string, Subject>();
try {
  for (const name of names) subjects.set(name, await start(name));
  if (profiles === undefined) await measureAll();
  else await profileAll(profiles);
} finally {
  await Promise.all(stops.map((stop) => stop()));
}

async function start(name: string): Promise<Subject> {
  const line = LINES.find((one) => name.endsWith(`:${one.name}`));
  if (line !== undefined) {
    const server = await startServer(lineServer(name.slice(0, -line.name.length - 1), line.name));
    stops.push(() => server.stop());
    return { ...line, url: server.url + line.path, processes: { alone: server.pid } };
  }
  if (name.startsWith('connector:')) return await startConnector(name.slice('connector:'.length));
  if (!name.startsWith('host:')) {
    const alone = await startAlone(name);
    stops.push(() => alone.stop());
    return { url: alone.url, processes: { alone: alone.pid } };
  }
  const bundle = name.slice('host:'.length);
  if (!existsSync(join(repositoryFolder, 'test/bench/subjects', bundle)))
    throw new Error(`There is no bundle "${bundle}" below test/bench/subjects.`);
  const host = await startHost({ [bundle]: bundle });
  stops.push(() => host.stop());
  return { url: `${host.url}/${bundle}/`, processes: processesOf(host.pid) };
}

async function startConnector(word: string): Promise<Subject> {
  const line = CONNECTOR_LINES.find((one) => one.over !== 'http2' && one.name.includes(word));
  if (line === undefined || word === '') {
    const known = CONNECTOR_LINES.map((one) => one.name).join(', ');
    throw new Error(`There is no line "${word}" of HTTP/1.1 in the group connector. Lines are: ${known}.`);
  }
  const host = await startConnectorHost(makePeerCertificate(), 1);
  stops.push(() => host.stop());
  const base = line.over === 'https' ? host.https : host.http;
  return { ...line, url: `${base}${line.path}`, processes: processesOf(host.pid) };
}

function processesOf(server: number): Readonly<Record<string, number>> {
  const children = childrenOf(server);
  const front = children.find((pid) => commandOf(pid).includes('/front/'));
  const instance = children.find((pid) => commandOf(pid).includes('/instance/'));
  if (front === undefined || instance === undefined) throw new Error(`no front or instance below ${server}`);
  return { front, instance, server };
}

async function measureAll(): Promise<void> {
  const samples = new Map<string, Sample[]>();
  for (let round = 0; round <= rounds; round++) {
    for (const [name, subject] of subjects) {
      const taken = await measure(subject);
      if (round > 0) samples.set(name, [...(samples.get(name) ?? []), taken]);
    }
  }
  const base = totalOf([...samples.values()][0] ?? []);
  const table = [...samples].map(([name, taken]) => ({
    subject: name,
    ...Object.fromEntries(
      ['alone', 'front', 'instance', 'server'].map((part) => [
        part,
        rounded(median(taken.map(({ perRequest }) => perRequest[part] ?? Number.NaN)), 1),
      ]),
    ),
    total: rounded(totalOf(taken), 1),
    '÷ first': Number((totalOf(taken) / base).toFixed(2)),
    'req/s': Math.round(median(taken.map(({ requestsPerSecond }) => requestsPerSecond))),
    'p50 ms': median(taken.map(({ p50Ms }) => p50Ms)),
  }));
  console.log(`CPU microseconds per request, ${connections} connections, ${rounds} rounds of ${seconds} s`);
  console.table(table);
}

async function measure({ url, processes, ...how }: Subject): Promise<Sample> {
  const before = Object.entries(processes).map(([part, pid]) => [part, pid, cpuMicroseconds(pid)] as const);
  const round = await load(url, how.connections ?? connections, seconds, how.kind);
  if (round.failures > 0) throw new Error(`${round.failures} failed answers at ${url}`);
  const perRequest = before.map(([part, pid, used]) => [
    part,
    (cpuMicroseconds(pid) - used) / round.requests,
  ]);
  return { ...round, perRequest: Object.fromEntries(perRequest) as Record<string, number> };
}

async function profileAll(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const [name, { url, processes, ...how }] of subjects) {
    const run = (length: number) => load(url, how.connections ?? connections, length, how.kind);
    await run(2);
    for (const [part, pid] of Object.entries(processes)) {
      const under = run(seconds + 2);
      await sample(pid, seconds, join(folder, `${name.replace(/[^\w]+/g, '-')}-${part}.cpuprofile`));
      await under;
    }
  }
}

function totalOf(samples: readonly Sample[]): number {
  return median(
    samples.map(({ perRequest }) => Object.values(perRequest).reduce((sum, part) => sum + part, 0)),
  );
}
