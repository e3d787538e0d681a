import { spawn, spawnSync } from 'node:child_process';

/** Whether nghttp2's load generator is installed. */
export const hasH2load = spawnSync('h2load', ['--version'], { stdio: 'ignore' }).error === undefined;

/** What one run of `h2load` measured. */
export interface Http2Round {
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
): Promise<Http2Round> {
  const args = [`-c${connections}`, `-m${streams}`, `-D${seconds}`, '-t1', url];
  const child = spawn('h2load', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let stdout = '';
  for await (const text of child.stdout) stdout += String(text);
  const numberOf = (pattern: RegExp): number => Number(pattern.exec(stdout)?.[1] ?? 0);
  // `status codes` counts answers; what was in flight when the time was up is no failure.
  const succeeded = numberOf(/status codes: (\d+) 2xx/);
  return {
    requests: succeeded,
    requestsPerSecond: succeeded / seconds,
    failures: numberOf(/, (\d+) failed/) + numberOf(/, (\d+) 4xx/) + numberOf(/, (\d+) 5xx/),
  };
}
