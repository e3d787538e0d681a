import { type Allocation, measureAllocation } from './allocation.js';
import { type Alone, startServer } from './alone.js';
import { cpuMicroseconds } from './cpu-time.js';
import { median, pairedRatio, ratio, rounded, type Target } from './figures.js';
import { LINES, type Line, lineServer } from './line.js';
import { generator, load } from './load.js';

const rounds = Number(process.env['BENCH_ROUNDS'] ?? 3);
const seconds = Number(process.env['BENCH_SECONDS'] ?? 2);

/** Ours first, by engine; names as `subjects/lines/server.mjs` knows them. */
const SUBJECTS = ['cio', 'engine-node', 'node', 'fastify', 'hono', 'express', 'koa'];

interface Sample {
  readonly requestsPerSecond: number;
  readonly cpuPerRequest: number;
}

/**
 * The framework on each of its engines against bare `node:http`, Fastify, Hono, Express and Koa, line by line. All
 * subjects of a line are up while it is measured, rounds are interleaved. BENCH_LINES and BENCH_SUBJECTS, with commas,
 * choose some; what every subject does in a line is said in the files of `subjects/lines/`.
 */
export async function measureFramework(): Promise<object> {
  const results: Record<string, object> = {};
  const targets: Target[] = [];
  for (const line of chosen(
    'BENCH_LINES',
    LINES.map(({ name }) => name),
  ).flatMap((name) => LINES.find((one) => one.name === name) ?? [])) {
    const samples = await measureLine(line);
    const allocations = new Map<string, Allocation | undefined>();
    for (const subject of samples.keys()) allocations.set(subject, await measureAllocation(subject, line));
    results[line.name] = {
      samples: Object.fromEntries(samples),
      allocations: Object.fromEntries(allocations),
    };
    printLine(line, samples, allocations);
    targets.push(...targetsOf(line, samples));
  }
  console.table(targets);
  return { generator, rounds, seconds, targets, results };
}

function chosen(variable: string, all: readonly string[]): readonly string[] {
  return process.env[variable]?.split(',') ?? all;
}

async function measureLine(line: Line): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const servers = new Map<string, Alone>();
  for (const subject of chosen('BENCH_SUBJECTS', SUBJECTS))
    servers.set(subject, await startServer(lineServer(subject, line.name)));
  const samples = new Map<string, Sample[]>();
  for (let round = 0; round <= rounds; round++)
    for (const [subject, server] of round % 2 === 0 ? servers : [...servers].reverse()) {
      const sample = await measure(server, line);
      if (round > 0) samples.set(subject, [...(samples.get(subject) ?? []), sample]);
    }
  await Promise.all([...servers.values()].map((server) => server.stop()));
  return samples;
}

async function measure({ url, pid }: Alone, { path, connections, kind }: Line): Promise<Sample> {
  const before = cpuMicroseconds(pid);
  const round = await load(url + path, connections, seconds, kind);
  if (round.failures > 0) throw new Error(`${round.failures} failed answers at ${url}${path}`);
  return {
    requestsPerSecond: round.requestsPerSecond,
    cpuPerRequest: (cpuMicroseconds(pid) - before) / round.requests,
  };
}

function printLine(
  line: Line,
  samples: ReadonlyMap<string, readonly Sample[]>,
  allocations: ReadonlyMap<string, Allocation | undefined>,
): void {
  console.log(
    `${line.name}: ${generator}, ${line.connections} connections, ${rounds} rounds of ${seconds} s, Node ${process.version}`,
  );
  const base = ratesOf(samples, 'node');
  console.table(
    [...samples].map(([subject, taken]) => {
      const rates = ratesOf(samples, subject);
      const cpu = taken.map(({ cpuPerRequest }) => cpuPerRequest);
      return {
        subject,
        'req/s (median)': Math.round(median(rates)),
        'min…max': `${Math.round(Math.min(...rates))}…${Math.round(Math.max(...rates))}`,
        '÷ node': rounded(pairedRatio(rates, base).median, 2),
        'CPU µs/request': rounded(median(cpu), 1),
        'CPU min…max': `${rounded(Math.min(...cpu), 1)}…${rounded(Math.max(...cpu), 1)}`,
        'heap B/request': allocations.get(subject)?.heap,
        'external B/request': allocations.get(subject)?.external,
      };
    }),
  );
}

/** Ours against bare Node in the first line, and against Fastify in each, as far as they were measured. */
function targetsOf({ name }: Line, samples: ReadonlyMap<string, readonly Sample[]>): readonly Target[] {
  const quotients: readonly (readonly [string, string, number])[] = [
    ...(name === 'text' ? [['cio', 'node', 1.7] as const] : []),
    ['cio', 'fastify', 1],
    ['engine-node', 'fastify', 1],
  ];
  return quotients
    .filter(([one, other]) => samples.has(one) && samples.has(other))
    .map(([one, other, target]) =>
      ratio(
        `${name}: ${one} ÷ ${other}`,
        pairedRatio(ratesOf(samples, one), ratesOf(samples, other)),
        target,
        pairedRatio(cpuOf(samples, other), cpuOf(samples, one)),
      ),
    );
}

function ratesOf(samples: ReadonlyMap<string, readonly Sample[]>, subject: string): readonly number[] {
  return (samples.get(subject) ?? []).map(({ requestsPerSecond }) => requestsPerSecond);
}

function cpuOf(samples: ReadonlyMap<string, readonly Sample[]>, subject: string): readonly number[] {
  return (samples.get(subject) ?? []).map(({ cpuPerRequest }) => cpuPerRequest);
}
