/**
 * `node dist/test/bench/cpu.js [--starts N] [--rounds N] [--seconds S | --requests N] [subject…]`: CPU time of each
 * process per request, the figure to work on when the machine is too busy for requests per second to mean anything.
 * Rounds are interleaved, in turns of order; figures are medians, `÷ first` is the median of the ratios of neighbouring
 * rounds, with its quartiles: many short rounds decide more than a few long ones. One process of a subject can be
 * faster than the next for as long as it lives, as V8 compiles it once; so all are started `--starts` times (default
 * 1). With `--requests` a round of GET has so many requests, sent by `h2load`, and can be much shorter than a second.
 * Subjects are said in `cpu-subjects.ts`; `cio:text cio:text@../other` compares two checkouts.
 *
 * BENCH_ROUNDS (default 3), BENCH_SECONDS (default 3) and BENCH_CONNECTIONS (default 64) set the load, BENCH_WARM the
 * seconds before it (3; a line with few requests a second needs more, until V8 has compiled what is hot).
 * BENCH_PROFILE=FOLDER writes a `.cpuprofile` of each process of the subjects there instead.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type CpuSubject, startCpuSubject } from './cpu-subjects.js';
import { cpuMicroseconds } from './cpu-time.js';
import { median, pairedRatio, quartilesOf, rounded } from './figures.js';
import { loadCounted } from './h2load.js';
import { load } from './load.js';
import { sample } from './sampling.js';

interface Sample {
  readonly requestsPerSecond: number;
  /** Microseconds of each process. */
  readonly perRequest: Readonly<Record<string, number>>;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    starts: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    requests: { type: 'string' },
  },
});
const rounds = Number(values.rounds ?? process.env['BENCH_ROUNDS'] ?? 3);
const seconds = Number(values.seconds ?? process.env['BENCH_SECONDS'] ?? 3);
const connections = Number(process.env['BENCH_CONNECTIONS'] ?? 64);
const warmSeconds = Number(process.env['BENCH_WARM'] ?? 3);
const requests = Number(values.requests ?? 0);
const starts = Number(values.starts ?? 1);
const profiles = process.env['BENCH_PROFILE'];
const names = positionals.length > 0 ? positionals : ['node', 'embedded', 'host:framework', 'host:handler'];

type Subjects = ReadonlyMap<string, CpuSubject>;

if (profiles === undefined) await measureAll();
else await withSubjects((subjects) => profileAll(subjects, profiles));

async function withSubjects(use: (subjects: Subjects) => Promise<void>): Promise<void> {
  const subjects = new Map<string, CpuSubject>();
  try {
    for (const name of names) subjects.set(name, await startCpuSubject(name));
    await use(subjects);
  } finally {
    await Promise.all([...subjects.values()].map((subject) => subject.stop()));
  }
}

async function measureAll(): Promise<void> {
  const samples = new Map<string, Sample[]>(names.map((name) => [name, []]));
  for (let start = 0; start < starts; start++)
    await withSubjects(async (subjects) => {
      for (const { url, kind, ...how } of subjects.values())
        await load(url, how.connections ?? connections, warmSeconds, kind);
      for (let round = 0; round < rounds; round++) {
        const order = round % 2 === 0 ? [...subjects] : [...subjects].reverse();
        for (const [name, subject] of order) samples.get(name)?.push(await measure(subject));
      }
    });
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
    };
  });
  console.log(
    `CPU microseconds per request, ${starts} × ${rounds} rounds of ${requests > 0 ? `${requests} requests` : `${seconds} s`}`,
  );
  console.table(table);
}

async function measure({ url, processes, kind, ...how }: CpuSubject): Promise<Sample> {
  const before = Object.entries(processes).map(([part, pid]) => [part, pid, cpuMicroseconds(pid)] as const);
  const clients = how.connections ?? connections;
  const round =
    requests > 0 && (kind ?? 'get') === 'get'
      ? await loadCounted(url, clients, requests)
      : await load(url, clients, seconds, kind);
  if (round.failures > 0) throw new Error(`${round.failures} failed answers at ${url}`);
  const perRequest = before.map(([part, pid, used]) => [
    part,
    (cpuMicroseconds(pid) - used) / round.requests,
  ]);
  return { ...round, perRequest: Object.fromEntries(perRequest) as Record<string, number> };
}

async function profileAll(subjects: Subjects, folder: string): Promise<void> {
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
