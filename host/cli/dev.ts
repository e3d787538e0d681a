import { createHash } from 'node:crypto';
import { rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import type { HostConfig } from '../config/host-config.js';
import { withLocalNames } from '../config/virtual-hosts.js';
import { PorticoError } from '../errors.js';
import { EventLog } from '../log/event-log.js';
import { createServerLog } from '../log/server-log.js';
import { readRunFile } from '../server/run-file.js';
import { PorticoServer } from '../server/server.js';
import { handleSignals } from '../server/signals.js';
import { configOf, type PortOptions } from './base-options.js';
import { devLine } from './dev-line.js';

/** A change is taken when nothing has moved for so long. */
const STABILITY_MS = 100;
/** Time between two looks when the file system gives no hint. */
const SCAN_MS = 200;
/** Ctrl-C does not wait for long. */
const STOP_MS = 3000;

/**
 * `portico dev apps/guestbook`: a host for the developer of one bundle, in the foreground. A change ends its processes and
 * starts them again; requests without a body wait meanwhile; a start that fails is shown in the browser, and the next change
 * tries again. Reads `host.yaml` as `start` does, and keeps its own state in `.portico/dev/` of the base, so that it can run
 * beside a host on the same folder; started inside of the bundle, in a folder for temporary files. The one application
 * answers under every host name; with `--all`, `shop.example` is found under `shop.example.localhost` too. Throws
 * `PORTICO_DEV_BUNDLE` when there is no such folder.
 */
export async function dev(bundle: string, options: PortOptions & { readonly all?: boolean }): Promise<void> {
  const folder = resolve(bundle);
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true)
    throw new PorticoError(
      'PORTICO_DEV_BUNDLE',
      `${folder} is no folder. Name the folder of a bundle, for example apps/guestbook.`,
    );
  const only = options.all === true ? undefined : basename(folder);
  const config = developmentConfig(configOf(options), folder, only);
  if (readRunFile(config.folders.run) === undefined)
    rmSync(config.folders.work, { recursive: true, force: true });
  const out = { write: (line: string) => process.stdout.write(devLine(line)) };
  const events = new EventLog();
  const log = createServerLog({ format: 'json', out, events });
  const server = new PorticoServer({ config, log, events });
  handleSignals(server, log, config.shutdownTimeoutMs);
  await server.start();
}

function developmentConfig(config: HostConfig, folder: string, only: string | undefined): HostConfig {
  const apps = dirname(folder);
  const state = join(stateFolder(config.base, folder), only ?? 'all');
  const work = join(state, 'work');
  const snapshots = new RegExp(`${work.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}/store/[0-9a-f]+`, 'g');
  return {
    ...config,
    virtualHosts:
      only === undefined && config.virtualHosts !== undefined
        ? withLocalNames(config.virtualHosts)
        : undefined,
    folders: { apps, logs: join(state, 'logs'), work, run: join(state, 'run') },
    admin: { ...config.admin, port: 0 },
    deployer: { ...config.deployer, stabilityWindowMs: STABILITY_MS, scanIntervalMs: SCAN_MS },
    accessLog: { ...config.accessLog, enabled: false },
    shutdownTimeoutMs: STOP_MS,
    development: {
      only,
      echo(application, line) {
        // Instances run from a snapshot; the developer knows the bundle.
        const text = line.replaceAll(snapshots, join(apps, application));
        process.stdout.write(`${application} | ${text}\n`);
      },
      folderOf: (application) => join(apps, application),
    },
  };
}

/** What is written inside the bundle would be a change of the bundle: then the state is a folder for temporary files. */
function stateFolder(base: string, folder: string): string {
  if (!`${base}/`.startsWith(`${folder}/`)) return join(base, '.portico/dev');
  return join(tmpdir(), `portico-dev-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`);
}
