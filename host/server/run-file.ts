import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PorticoError } from '../errors.js';
import { isSameProcessAlive, processIdentity } from '../process-alive.js';

/**
 * `run/server.json`: tells the command line where the running server is. Written when the server is up, removed when
 * it has stopped; a file left behind by a killed server is recognised by its process.
 */
export interface RunFile {
  readonly pid: number;
  /** Tells it from others that have the same id later; absent where the system does not say. */
  readonly identity?: string | undefined;
  readonly admin: { readonly host: string; readonly port: number };
  readonly connectors: readonly {
    readonly name: string;
    readonly host: string;
    readonly port: number;
    readonly socket?: string;
  }[];
  /** ISO 8601. */
  readonly startedAt: string;
}

/** Writes the file in one step. */
export function writeRunFile(runFolder: string, content: RunFile): void {
  const file = pathOf(runFolder);
  const whole: RunFile = { identity: processIdentity(content.pid), ...content };
  writeFileSync(`${file}.new`, `${JSON.stringify(whole)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Removes the file; harmless when it is not there. */
export function removeRunFile(runFolder: string): void {
  rmSync(pathOf(runFolder), { force: true });
}

/** The running server of this run folder, or undefined when none runs. */
export function readRunFile(runFolder: string): RunFile | undefined {
  let text: string;
  try {
    text = readFileSync(pathOf(runFolder), 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new PorticoError(
      'PORTICO_RUN_FILE_UNREADABLE',
      `Cannot read ${pathOf(runFolder)}. Run this command as the user who runs the server.`,
      { cause },
    );
  }
  const content = JSON.parse(text) as RunFile;
  return isSameProcessAlive(content.pid, content.identity) ? content : undefined;
}

function pathOf(runFolder: string): string {
  return join(runFolder, 'server.json');
}
