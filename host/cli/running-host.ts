import { resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { ConfigError } from '../config/config-error.js';
import type { HostConfig } from '../config/host-config.js';
import { readSmallText } from '../config/read-text.js';
import { messageOf } from '../errors.js';
import { readRunFile } from '../server/run-file.js';
import { type BaseOptions, baseOf, configFileOf, configOf } from './base-options.js';

/** What a command has to know of a host that runs. */
export interface RunningHost extends Pick<HostConfig, 'base' | 'shutdownTimeoutMs'> {
  readonly folders: Pick<HostConfig['folders'], 'run'>;
}

/**
 * Where the host runs that a command is for. A host goes on when somebody breaks its `host.yaml`, and can be looked at and
 * stopped all the same: then stderr says what is wrong. Throws as `configOf`, ConfigError only when no host runs there.
 */
export function runningHostOf(options: BaseOptions): RunningHost {
  try {
    return configOf(options);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const base = baseOf(options);
    const run = resolve(base, runFolderIn(configFileOf(options, base)) ?? 'run');
    if (readRunFile(run) === undefined) throw error;
    process.stderr.write(`portico: the host runs with what its host.yaml was before: ${messageOf(error)}\n`);
    return { base, folders: { run }, shutdownTimeoutMs: LONG_MS };
  }
}

/** Longer than most hosts take to stop; `portico stop` waits so long. */
const LONG_MS = 60_000;

/** `folders.run` of a file with mistakes in it; undefined when that much cannot be read, or is not said. */
function runFolderIn(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    const run: unknown = parseDocument(readSmallText(file), { uniqueKeys: false }).getIn(['folders', 'run']);
    return typeof run === 'string' ? run : undefined;
  } catch {
    // What is wrong with the file is told already; the default remains.
    return undefined;
  }
}
