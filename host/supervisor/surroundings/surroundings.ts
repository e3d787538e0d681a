import { chmodSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { PorticoError } from '../../errors.js';
import type { DeploymentSpec } from '../deployment-process.js';
import type { InstanceFolder } from './instance-folder.js';
import { instanceEnvironment } from './process-environment.js';
import { identityOf, type ProcessIdentity } from './process-identity.js';
import { sandboxOptions } from './sandbox-options.js';
import { readSecrets } from './secrets.js';
import type { WorkingFolder } from './working-folder.js';

/** What a process is started in: everything it gets from the host, and whose rights it has. */
export interface Surroundings {
  /** Working directory, and the bundle as the process sees it. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Options of Node before the program. */
  readonly nodeOptions: readonly string[];
  /** For `spawn`; empty: the host's own. */
  readonly identity: { readonly uid?: number; readonly gid?: number };
}

/** What one process has for itself. */
export interface OwnFolders {
  readonly instance: InstanceFolder;
  /** Undefined: it works in the snapshot that all share. */
  readonly working: WorkingFolder | undefined;
  /** Where it calls other applications; undefined: nowhere. */
  readonly callSocket?: string | undefined;
}

/**
 * Makes the surroundings of one process, with its folders. Called at each start, so a secret that has changed is read anew. Rejects
 * with what is wrong, with a code of its own for each: nothing is started then.
 */
export async function makeSurroundings(
  spec: DeploymentSpec,
  { instance, working, callSocket }: OwnFolders,
  catalogFile: string | undefined,
): Promise<Surroundings> {
  const { isolation } = spec.manifest.settings;
  const identity = identityOf(isolation.user, isolation.group);
  const secrets = readSecrets(isolation.secretFiles);
  if (identity !== undefined) letIn(identity, spec.folder);
  instance.create(identity);
  await working?.make(identity);
  const folder = working?.path ?? spec.folder;
  const { temporary, socketPath } = instance;
  const home = identity?.home;
  const environment = {
    ...instanceEnvironment(spec, process.env, { temporary, home, catalogFile }),
    ...secrets,
  };
  const nodeOptions =
    isolation.sandbox === undefined
      ? []
      : sandboxOptions(isolation.sandbox, {
          bundle: folder,
          store: spec.folder,
          temporary,
          socketPath,
          callSocket,
        });
  return {
    folder,
    environment,
    nodeOptions,
    identity: identity === undefined ? {} : { uid: identity.uid, gid: identity.gid },
  };
}

/**
 * The folder of the store is closed to other users. For one that an application runs as it is opened to those who know a name in
 * it, without a list of the names. What lies above it is the operator's.
 */
function letIn({ uid, gid }: ProcessIdentity, folder: string): void {
  const store = dirname(folder);
  const { mode, uid: owner } = statSync(store);
  if (owner === process.geteuid?.() && (mode & 0o077) === 0) chmodSync(store, 0o711);
  for (let place = folder; ; place = dirname(place)) {
    const stat = statSync(place);
    const bit = stat.uid === uid ? 0o100 : stat.gid === gid ? 0o010 : 0o001;
    if (uid !== 0 && (stat.mode & bit) === 0) {
      throw new PorticoError(
        'PORTICO_USER_NO_ACCESS',
        `user ${uid} with group ${gid} may not enter ${place}, on the way to its bundle: chmod o+x it, or move the base folder`,
      );
    }
    if (place === dirname(place)) return;
  }
}
