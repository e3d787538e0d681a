import { counted } from '../../counted.js';

/** How exchanges are told apart. `stream`: server-sent events; `tunnel`: a WebSocket, or another protocol behind a 101. */
export type DrainKind = 'request' | 'stream' | 'tunnel';

/** Exchanges by kind. */
export type DrainCounts = Readonly<Record<DrainKind, number>>;

/** One exchange that was cut. */
export interface CutExchange {
  readonly kind: DrainKind;
  readonly method: string;
  /** Without the query; at most `MAX_PATH` characters. */
  readonly path: string;
  readonly ageMs: number;
}

/**
 * What became of all that was open when a deployment got no new requests any more, or came on connections that were open
 * when the host began to stop.
 */
export interface DrainReport {
  /** Answered to the end, or closed in good order. */
  readonly finished: DrainCounts;
  /** Their clients went away. */
  readonly left: DrainCounts;
  /** Ended by the host, or by the end of their instance. */
  readonly cut: DrainCounts;
  /** Of those that were cut: the oldest, at most `MAX_CUTS`. */
  readonly cuts: readonly CutExchange[];
}

/** Exchanges that are named in one report. */
export const MAX_CUTS = 10;
/** A report is kept, and written into a line of the log. */
export const MAX_PATH = 100;

const NONE: DrainCounts = { request: 0, stream: 0, tunnel: 0 };

/** The report of a drain that had nothing to wait for. */
export const NOTHING_OPEN: DrainReport = { finished: NONE, left: NONE, cut: NONE, cuts: [] };

/** One report for several: of several fronts, or of several deployments. */
export function sumOfDrains(reports: readonly DrainReport[]): DrainReport {
  const sum = (pick: (report: DrainReport) => DrainCounts): DrainCounts => ({
    request: reports.reduce((total, report) => total + pick(report).request, 0),
    stream: reports.reduce((total, report) => total + pick(report).stream, 0),
    tunnel: reports.reduce((total, report) => total + pick(report).tunnel, 0),
  });
  return {
    finished: sum(({ finished }) => finished),
    left: sum(({ left }) => left),
    cut: sum(({ cut }) => cut),
    cuts: oldestCuts(reports.flatMap(({ cuts }) => cuts)),
  };
}

/** The oldest first, and no more than a report has. */
export function oldestCuts(cuts: readonly CutExchange[]): readonly CutExchange[] {
  return [...cuts].sort((left, right) => right.ageMs - left.ageMs).slice(0, MAX_CUTS);
}

/** How many there were of all kinds. */
export function countOf(counts: DrainCounts): number {
  return counts.request + counts.stream + counts.tunnel;
}

/** Whether anything was open at all. */
export function hadOpen({ finished, left, cut }: DrainReport): boolean {
  return countOf(finished) + countOf(left) + countOf(cut) > 0;
}

/** `3 requests and 1 WebSocket finished, 1 request was cut (GET /slow after 12.3 s)`; `nothing was open`. */
export function drainText(report: DrainReport): string {
  const parts: string[] = [];
  if (countOf(report.finished) > 0) parts.push(`${listed(report.finished)} finished`);
  if (countOf(report.left) > 0) parts.push(`${listed(report.left)} left by ${whose(report.left)}`);
  if (countOf(report.cut) > 0) parts.push(`${listed(report.cut)} cut${named(report)}`);
  return parts.length === 0 ? 'nothing was open' : parts.join(', ');
}

function listed({ request, stream, tunnel }: DrainCounts): string {
  const parts: string[] = [];
  if (request > 0) parts.push(counted(request, 'request'));
  if (stream > 0) parts.push(counted(stream, 'event stream'));
  if (tunnel > 0) parts.push(counted(tunnel, 'WebSocket'));
  const last = parts.pop() ?? '';
  return parts.length === 0 ? last : `${parts.join(', ')} and ${last}`;
}

function whose(counts: DrainCounts): string {
  return countOf(counts) === 1 ? 'its client' : 'their clients';
}

function named({ cut, cuts }: DrainReport): string {
  const names = cuts
    .slice(0, MAX_NAMED)
    .map(({ method, path, ageMs }) => `${method} ${path} after ${(ageMs / 1000).toFixed(1)} s`);
  if (names.length === 0) return '';
  const more = countOf(cut) > names.length ? `, and ${countOf(cut) - names.length} more` : '';
  return ` (${names.join(', ')}${more})`;
}

/** Cut exchanges that are named in a text. */
const MAX_NAMED = 3;
