/**
 * `node dist/test/bench/cpu.js [--rounds N] [--seconds S] [subject…]`: CPU time of each process per request, the figure to
 * work on when the machine is too busy for requests per second to mean anything. Rounds are interleaved, in turns of order;
 * figures are medians, `÷ first` is the median of the ratios of neighbouring rounds, with its quartiles: many short
 * rounds decide more than a few long ones. Subjects are said in `cpu-subjects.ts`; `cio:text cio:text@../other` compares two
 * checkouts.
 *
 * BENCH_ROUNDS (default 3), BENCH_SECONDS (default 3) and BENCH_CONNECTIONS (default 64) set the load.
 * BENCH_PROFILE=FOLDER writes a `.cpuprofile` of each process of the subjects there instead.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type CpuSubject, startCpuSubject } from './cpu-subjects.js';
import { cpuMicroseconds } from './cpu-time.js';
import { median, pairedRatio, quartilesOf, rounded } from './figures.js';
import { load } from './load.js';
import { sample } from './sampling.js';

interface Sample {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  /** Microseconds of each process. */
  readonly perRequest: Readonly<Record<string, number>>;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string' }, seconds: { type: 'string' } },
});
const rounds = Number(values.rounds ?? process.env['BENCH_ROUNDS'] ?? 3);
const seconds = Number(values.seconds ?? process.env['BENCH_SECONDS'] ?? 3);
const connections = Number(process.env['BENCH_CONNECTIONS'] ?? 64);
/** Long enough for V8 to have compiled what is hot. */
const WARM_SECONDS = 3;
const profiles = process.env['BENCH_PROFILE'];
const names = positionals.length > 0 ? positionals : ['node', 'embedded', 'host:framework', 'host:handler'];

const subjects = new Map<string, CpuSubject>();
try {
  for (const name of names) subjects.set(name, await startCpuSubject(name));
  if (profiles === undefined) await measureAll();
  else await profileAll(profiles);
} finally {
  await Promise.all([...subjects.values()].map((subject) => subject.stop()));
}

async function measureAll(): Promise<void> {
  const samples = new Map<string, Sample[]>([...subjects.keys()].map((name) => [name, []]));
  for (const subject of subjects.values()) await measure(subject, Math.max(seconds, WARM_SECONDS));
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? [...subjects] : [...subjects].reverse();
    for (const [name, subject] of order) samples.get(name)?.push(await measure(subject, seconds));
  }
  const first = totalsOf([...samples.values()][0] ?? []);
  const table = [...samples].map(([name, taken]) => {
    const paired = pairedRatio(totalsOf(taken), first);
    return {
      subject: name,
      ...Object.fromEntries(
        ['alone', 'front', 'instance', 'server'].map((part) => [
          part,
          rounded(median(taken.map(({ perRequest }) => perRequest[part] ?? Number.NaN)), 1),
        ]),
      ),
      total: rounded(median(totalsOf(taken)), 1),
      '÷ first': rounded(paired.median, 3),
      quartiles: quartilesOf(paired),
      'req/s': Math.round(median(taken.map(({ requestsPerSecond }) => requestsPerSecond))),
      'p50 ms': median(taken.map(({ p50Ms }) => p50Ms)),
    };
  });
  console.log(`CPU microseconds per request, ${rounds} rounds of ${seconds} s`);
  console.table(table);
}

async function measure({ url, processes, ...how }: CpuSubject, length: number): Promise<Sample> {
  const before = Object.entries(processes).map(([part, pid]) => [part, pid, cpuMicroseconds(pid)] as const);
  const round = await load(url, how.connections ?? connections, length, how.kind);
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

/** Microseconds per request of all processes of a subject, round by round. */
function totalsOf(samples: readonly Sample[]): number[] {
  return samples.map(({ perRequest }) => Object.values(perRequest).reduce((sum, part) => sum + part, 0));
}
