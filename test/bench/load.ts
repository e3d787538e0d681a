import { spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { repositoryFolder } from '#test/support/paths.js';

/** What one round of load measured. */
export interface Round {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers that were no 2xx or 3xx, and socket errors. */
  readonly failures: number;
}

/** The load generator of this machine: `wrk` when it is installed, otherwise `autocannon`. */
export const generator: 'wrk' | 'autocannon' =
  spawnSync('wrk', ['-v'], { stdio: 'ignore' }).error === undefined ? 'wrk' : 'autocannon';

/**
 * What is sent: GET; GET on a new connection each time; POST with 1 KiB or 1 MiB of `x` as `application/octet-stream`.
 */
export type LoadKind = 'get' | 'connect' | 'post-small' | 'post';

const BODY_BYTES: Readonly<Partial<Record<LoadKind, number>>> = { 'post-small': 1024, post: 1024 * 1024 };

/** Runs load against a URL and waits for the result. */
export async function load(
  url: string,
  connections: number,
  seconds: number,
  kind: LoadKind = 'get',
): Promise<Round> {
  return await (generator === 'wrk' ? runWrk : runAutocannon)(url, connections, seconds, kind);
}

async function runWrk(url: string, connections: number, seconds: number, kind: LoadKind): Promise<Round> {
  const bytes = BODY_BYTES[kind];
  const script =
    bytes === undefined ? [] : ['-s', join(repositoryFolder, 'test/bench/subjects/lines/post.lua')];
  const close = kind === 'connect' ? ['-H', 'Connection: close'] : [];
  // Its own limit of 2 s would count slow answers of a busy machine as failed ones.
  const args = [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--timeout',
    '20s',
    '--latency',
    ...close,
    ...script,
    url,
  ];
  if (bytes !== undefined) args.push('--', String(bytes));
  const child = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  for await (const text of child.stdout) stdout += String(text);
  const errors =
    /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(stdout)?.slice(1) ?? [];
  return {
    requests: Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0),
    requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? 0),
    p50Ms: milliseconds(/\b50%\s+([\d.]+\w+)/.exec(stdout)?.[1]),
    p99Ms: milliseconds(/\b99%\s+([\d.]+\w+)/.exec(stdout)?.[1]),
    failures:
      Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0) +
      errors.reduce((sum, count) => sum + Number(count), 0),
  };
}

async function runAutocannon(
  url: string,
  connections: number,
  seconds: number,
  kind: LoadKind,
): Promise<Round> {
  const { default: autocannon } = await import('autocannon');
  const post = kind === 'post' || kind === 'post-small' ? postOf(kind) : {};
  const close = kind === 'connect' ? { headers: { Connection: 'close' } } : {};
  const result = await autocannon({ url, connections, duration: seconds, ...post, ...close });
  return {
    requests: result.requests.total,
    requestsPerSecond: result.requests.average,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    failures: result.non2xx + result.errors,
  };
}

/** What `post.lua` sends. */
export function postOf(kind: 'post' | 'post-small') {
  return {
    method: 'POST',
    headers: { 'Content-Type': 'application/octet-stream' },
    body: 'x'.repeat(BODY_BYTES[kind] ?? 0),
  } as const;
}

function milliseconds(text: string | undefined): number {
  const [, number, unit] = /^([\d.]+)(us|ms|s)$/.exec(text ?? '') ?? [];
  return Number(number ?? Number.NaN) * ({ us: 0.001, ms: 1, s: 1000 }[unit ?? 'ms'] ?? 1);
}
