import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULT_APPLICATION_SETTINGS } from '#host/config/application-settings.js';
import type { ApplicationSettings } from '#host/config/host-config.js';
import type { DeploymentSpec } from '#host/supervisor/deployment-process.js';

/** A folder of its own for one test. */
export function temporaryFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `portico-${name}-`));
}

let serial = 0;

/** A deployment of `shop` in the system's temporary folder, with short times. */
export function deploymentSpec(
  config: Readonly<Record<string, unknown>> = {},
  settings: Partial<ApplicationSettings> = {},
): DeploymentSpec {
  serial += 1;
  return {
    deployment: `shop##1@${serial}`,
    application: 'shop',
    version: '1',
    contextPath: '/shop',
    folder: tmpdir(),
    manifest: {
      entry: { kind: 'main', main: join(tmpdir(), 'server.js') },
      contextPath: undefined,
      settings: { ...SETTINGS, ...settings },
      config,
      seesCatalog: false,
      notes: [],
    },
  };
}

const SETTINGS: ApplicationSettings = {
  ...DEFAULT_APPLICATION_SETTINGS,
  startWhen: 'eager',
  startTimeoutMs: 30_000,
  stopTimeoutMs: 5000,
  drainTimeoutMs: 30_000,
  responseTimeoutMs: 30_000,
  prefix: 'strip',
  instances: 1,
  maxHeapBytes: 64 * 1024 * 1024,
  maxMemoryBytes: 0,
  maxBodyBytes: 0,
  hangTimeoutMs: 30_000,
  request: { malformedEscapes: 'refuse', trace: 'refuse' },
  restart: { minDelayMs: 10, maxDelayMs: 50, maxCrashes: 3, windowMs: 60_000 },
  env: {},
};
