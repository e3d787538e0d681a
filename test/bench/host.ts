import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BundleContent, TestHost } from '#test/support/host.js';
import { repositoryFolder } from '#test/support/paths.js';

/** A host that runs for a measurement, started as a user starts it, access log and metrics on. */
export interface BenchHost {
  readonly pid: number;
  readonly url: string;
  stop(): Promise<unknown>;
}

/** As good as no configuration: every setting has its default. */
const DEFAULTS = 'accessLog: { enabled: true }\n';

/** Starts a host with these bundles: name → folder below `test/bench/subjects`, or files. */
export async function startHost(
  bundles: Readonly<Record<string, BundleContent>>,
  config = DEFAULTS,
): Promise<BenchHost> {
  const subjects = join(repositoryFolder, 'test/bench/subjects');
  const apps = Object.entries(bundles).map(([name, content]) => [
    name,
    typeof content === 'string' ? join(subjects, content) : content,
  ]);
  const host = await TestHost.start({ apps: Object.fromEntries(apps), config });
  return { pid: host.pid, url: host.url(''), stop: () => host.stop() };
}

/** Temporary folder for subjects that need one. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'portico-bench-'));
}
