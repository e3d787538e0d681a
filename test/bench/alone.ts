import { type ChildProcess, spawn } from 'node:child_process';
import { on, once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { repositoryFolder } from '#test/support/paths.js';

/** A server measured by itself. */
export interface Alone {
  readonly pid: number;
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts `test/bench/subjects/alone/server.mjs` with one subject. */
export async function startAlone(subject: string): Promise<Alone> {
  const file = join(repositoryFolder, 'test/bench/subjects/alone/server.mjs');
  return await startServer([file, subject]);
}

/** Starts a program that prints its port. */
export async function startServer(programArguments: readonly string[]): Promise<Alone> {
  const child = spawn(process.execPath, programArguments, { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = await printedPort(child.stdout);
  return {
    pid: child.pid ?? 0,
    url: `http://127.0.0.1:${port}/`,
    stop: () => stopped(child),
  };
}

/** The first line that is a number; some subjects log before they print it. */
export async function printedPort(output: Readable): Promise<number> {
  let text = '';
  // Ends with the output: a program that has failed prints no port.
  for await (const chunk of on(output, 'data', { close: ['end', 'close'] })) {
    text += String(chunk);
    const port = /^\d+$/m.exec(text)?.[0];
    if (port !== undefined) return Number(port);
  }
  throw new Error(`The program ended without a port; its output was: ${text.trim() || 'nothing'}`);
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

export async function stopped(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
