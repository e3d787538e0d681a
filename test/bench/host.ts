import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { repositoryFolder } from '#test/support/paths.js';

/** A host that runs for a measurement, started as a user starts it, access log and metrics on. */
export interface BenchHost {
  readonly pid: number;
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a host with these bundles: name → folder below `test/bench/subjects`, or static files. */
export async function startHost(
  bundles: Readonly<Record<string, string | Record<string, string>>>,
): Promise<BenchHost> {
  // Below the repository, so that the bundles find express in its node_modules.
  mkdirSync(join(repositoryFolder, '.portico'), { recursive: true });
  const base = mkdtempSync(join(repositoryFolder, '.portico/bench-'));
  mkdirSync(join(base, 'apps'));
  for (const [name, content] of Object.entries(bundles)) {
    const folder = join(base, 'apps', name);
    if (typeof content === 'string')
      cpSync(join(repositoryFolder, 'test/bench/subjects', content), folder, { recursive: true });
    else writeFiles(folder, content);
  }
  const cli = join(repositoryFolder, 'dist/host/cli/main.js');
  const child = spawn(process.execPath, [cli, 'start', '--base', base, '--port', '0', '--admin-port', '0'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const { admin, connectors } = await runFileOf(base, child);
  await untilReady(`http://127.0.0.1:${admin.port}/health/ready`);
  return {
    pid: child.pid ?? 0,
    url: `http://127.0.0.1:${connectors[0]?.port}`,
    stop: async () => {
      child.kill('SIGTERM');
      await new Promise((resolve) => child.once('exit', resolve));
      rmSync(base, { recursive: true, force: true });
    },
  };
}

function writeFiles(folder: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}

interface Started {
  readonly admin: { readonly port: number };
  readonly connectors: readonly { readonly port: number }[];
}

async function runFileOf(base: string, child: ChildProcess): Promise<Started> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      return JSON.parse(readFileSync(join(base, 'run/server.json'), 'utf8')) as Started;
    } catch (error) {
      if (child.exitCode !== null || Date.now() > deadline) throw error;
      await delay(50);
    }
  }
}

async function untilReady(url: string): Promise<void> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const response = await fetch(url);
    if (response.ok) return;
    if (Date.now() > deadline) throw new Error(`${url} is not ready: ${await response.text()}`);
    await delay(50);
  }
}

/** Temporary folder for subjects that need one. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'portico-bench-'));
}
