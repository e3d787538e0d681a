import { APPLICATIONS, type Role } from './applications.js';
import type { Baseline } from './baseline.js';
import type { Outcome } from './open-load.js';
import { QUIET, type StressResult } from './stress.js';
import type { Outage } from './stressed-host.js';

/** Failed requests by reason; each is one that must not be, unless it is of the victim. */
export interface Failures {
  readonly application: string;
  readonly role: Role;
  readonly failed: number;
  /** Failed while the front or the server they were with had been killed. */
  readonly cut: number;
  /** `503 ×4, ECONNRESET ×1 (a process blocks)`; `''` without any. */
  readonly reasons: string;
}

/** What failed, by application. */
export function failuresOf(result: StressResult): readonly Failures[] {
  return APPLICATIONS.map(({ name, role }) => {
    const own = result.outcomes.filter(({ subject, failure }) => subject === name && failure !== undefined);
    const failed = own.filter((outcome) => !isCut(outcome, result.outages));
    const kinds = counted(failed.map(({ failure, phase }) => `${failure} (${phase})`));
    return {
      application: name,
      role,
      failed: failed.length,
      cut: own.length - failed.length,
      reasons: kinds.map(([kind, count]) => `${count} × ${kind}`).join(', '),
    };
  });
}

/** The figures that redeploys have raised by more than they may, in words. */
export function leaksOf({ before, after }: StressResult): readonly string[] {
  return Object.entries(MAY_GROW)
    .map(([key, most]) => [key as keyof Baseline, most] as const)
    .filter(([key, most]) => after[key] - before[key] > most)
    .map(([key]) => `${key}: ${before[key]}, then ${after[key]}`);
}

/** Everything as tables of Markdown. */
export function reportOf(result: StressResult): string {
  const killing = killingPhases(result);
  const bystanders = APPLICATIONS.filter(({ role }) => role === 'bystander').map(({ name }) => name);
  const own = result.outcomes.filter(
    ({ subject, phase }) => bystanders.includes(subject) && !killing.has(phase),
  );
  const [before, during] = [true, false].map((isQuiet) =>
    quantile(timesOf(own.filter(({ phase }) => (phase === QUIET) === isQuiet)), 0.99),
  );
  const ratio = (during ?? Number.NaN) / (before ?? Number.NaN);
  return [
    applicationTable(result),
    phaseTable(result),
    baselineTable(result),
    `p99 of bystanders: ${ratio.toFixed(2)} × that of the time before.`,
    `Requests were sent ${milliseconds(quantile(result.lateness, 0.99))} ms late by the generator itself (p99).`,
  ].join('\n\n');
}

const MIB = 1024 ** 2;
/**
 * What may be more afterwards. Descriptors: a file of a log, or of a scan. Handles: timers of a poll. Heap: events and history are
 * rings that fill, compiled code; a deployment that is not let go of holds some 50 KiB. Memory with garbage is no
 * measure of leaks, it is only bounded.
 */
const MAY_GROW: Readonly<Record<keyof Baseline, number>> = {
  processes: 0,
  serverDescriptors: 2,
  frontDescriptors: 2,
  instanceDescriptors: 4,
  serverHandles: 6,
  serverHeapBytes: 2 * MIB,
  serverBytes: 40 * MIB,
  frontBytes: 40 * MIB,
  contents: 2,
};

function isCut({ dueAt, endedAt }: Outcome, outages: readonly Outage[]): boolean {
  return outages.some(({ from, to }) => dueAt <= to && endedAt >= from);
}

/** The steps in which front or server were killed: their times are those of a restart. */
function killingPhases({ outages }: StressResult): ReadonlySet<string> {
  return new Set(outages.map(({ phase }) => phase));
}

function applicationTable(result: StressResult): string {
  const killing = killingPhases(result);
  const rows = failuresOf(result).map(({ application, role, failed, cut, reasons }) => {
    const own = result.outcomes.filter(({ subject }) => subject === application);
    const repeated = own.filter(({ isRepeated }) => isRepeated).length;
    const quiet = timesOf(own.filter(({ phase }) => phase === QUIET));
    const during = timesOf(own.filter(({ phase }) => phase !== QUIET && !killing.has(phase)));
    const times = [quiet, during].flatMap((list) => [quantile(list, 0.5), quantile(list, 0.99)]);
    return [application, role, own.length, failed, cut, repeated, ...times.map(milliseconds), reasons];
  });
  const names =
    'application,role,requests,failed,cut,repeated,p50 before,p99 before,p50 during,p99 during,reasons';
  return table(names.split(','), rows);
}

function phaseTable(result: StressResult): string {
  const roles = new Map(APPLICATIONS.map(({ name, role }) => [name, role]));
  const phases = [...new Set(result.outcomes.map(({ phase }) => phase))];
  const rows = phases.map((phase) => {
    const all = result.outcomes.filter((outcome) => outcome.phase === phase);
    const failed = all.filter((outcome) => outcome.failure !== undefined && !isCut(outcome, result.outages));
    const ofVictim = failed.filter(({ subject }) => roles.get(subject) === 'victim').length;
    const times = timesOf(all.filter(({ subject }) => roles.get(subject) === 'bystander'));
    const shown = [quantile(times, 0.5), quantile(times, 0.99), times.at(-1) ?? Number.NaN];
    return [phase, all.length, failed.length - ofVictim, ofVictim, ...shown.map(milliseconds)];
  });
  const names = 'while,requests,failed of others,failed of the victim,p50 of bystanders,p99,longest';
  return table(names.split(','), rows);
}

function baselineTable({ before, after }: StressResult): string {
  const rows = (Object.keys(MAY_GROW) as (keyof Baseline)[]).map((key) => [key, before[key], after[key]]);
  return table(['held', 'before', 'after'], rows);
}

function table(names: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  return [names, names.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Times of right answers in milliseconds, ascending. */
function timesOf(outcomes: readonly Outcome[]): number[] {
  const right = outcomes.filter(({ failure }) => failure === undefined);
  return right.map(({ dueAt, endedAt }) => endedAt - dueAt).sort((a, b) => a - b);
}

function quantile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

function milliseconds(time: number): string {
  return time.toFixed(1);
}

function counted(kinds: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts];
}
