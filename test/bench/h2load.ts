import { spawn, spawnSync } from 'node:child_process';

/** Whether nghttp2's load generator is installed. */
export const hasH2load = spawnSync('h2load', ['--version'], { stdio: 'ignore' }).error === undefined;

/** What one run of `h2load` measured. */
export interface CountedRound {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly failures: number;
}

/** Requests of HTTP/2 on some connections, `streams` at a time on each. */
export async function loadHttp2(
  url: string,
  connections: number,
  streams: number,
  seconds: number,
): Promise<CountedRound> {
  const stdout = await runH2load([`-c${connections}`, `-m${streams}`, `-D${seconds}`, '-t1', url]);
  // `status codes` counts answers; what was in flight when the time was up is no failure.
  const succeeded = numberIn(stdout, /status codes: (\d+) 2xx/);
  return {
    requests: succeeded,
    requestsPerSecond: succeeded / seconds,
    failures: failuresIn(stdout),
  };
}

/** So many GET of HTTP/1.1: a round as short as one likes. */
export async function loadCounted(url: string, connections: number, requests: number): Promise<CountedRound> {
  const stdout = await runH2load(['--h1', `-c${connections}`, `-n${requests}`, '-m1', '-t1', url]);
  return {
    requests: numberIn(stdout, /status codes: (\d+) 2xx/),
    requestsPerSecond: numberIn(stdout, /, ([\d.]+) req\/s/),
    failures: failuresIn(stdout),
  };
}

async function runH2load(args: readonly string[]): Promise<string> {
  const child = spawn('h2load', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  for await (const text of child.stdout) stdout += String(text);
  return stdout;
}

function failuresIn(output: string): number {
  return [/, (\d+) failed/, /, (\d+) 4xx/, /, (\d+) 5xx/].reduce(
    (sum, pattern) => sum + numberIn(output, pattern),
    0,
  );
}

function numberIn(output: string, pattern: RegExp): number {
  return Number(pattern.exec(output)?.[1] ?? 0);
}
