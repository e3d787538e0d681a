import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, PorticoError } from '../errors.js';
import { isSameProcessAlive, processIdentity } from '../process-alive.js';
import { systemCodeOf } from '../system-error.js';

const FILE = 'server.lock';

/** As much of the server's log as is needed here. */
interface WarningLog {
  warn(fields: object, message: string): void;
}

/**
 * The work folder belongs to one server at a time: a second one would delete contents that the first one runs, and write
 * over its journals. The file in it names the process; one that a killed server has left is taken over. Owned by the
 * server, which releases it last.
 */
export class FolderLock {
  readonly #path: string;
  readonly #text: string;

  private constructor(path: string, text: string) {
    this.#path = path;
    this.#text = text;
  }

  /**
   * Throws `PORTICO_ALREADY_RUNNING` when a server that runs has the folder. Undefined, with a line in the log: the file
   * system does not allow it.
   */
  static take(folder: string, log: WarningLog): FolderLock | undefined {
    const path = join(folder, FILE);
    const { pid } = process;
    const text = `${JSON.stringify({ pid, identity: processIdentity(pid) })}\n`;
    const draft = `${path}.${pid}`;
    try {
      writeFileSync(draft, text, { mode: 0o644 });
      // A link is there as a whole or not at all, and never takes the place of another.
      while (!isLinked(draft, path)) removeIfLeft(folder, path);
      return new FolderLock(path, text);
    } catch (error) {
      if (error instanceof PorticoError) throw error;
      log.warn(
        { code: 'PORTICO_FOLDER_UNLOCKED', err: error },
        `${path} cannot be written (${messageOf(error)}); see to it that no other server has this folder`,
      );
      return undefined;
    } finally {
      rmSync(draft, { force: true });
    }
  }

  /** Another server may have it. Harmless when it is not ours any more. */
  release(): void {
    if (read(this.#path) === this.#text) rmSync(this.#path, { force: true });
  }
}

function isLinked(draft: string, path: string): boolean {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Throws when its server runs. */
function removeIfLeft(folder: string, path: string): void {
  const text = read(path);
  if (text === undefined) return;
  const { pid, identity } = holderOf(text);
  if (pid !== undefined && isSameProcessAlive(pid, identity)) {
    throw new PorticoError(
      'PORTICO_ALREADY_RUNNING',
      `Another server has the folder ${folder} (process ${pid}). Stop it, or name another folder as "folders.work" of host.yaml.`,
    );
  }
  // Of two that find it left, one moves it away; what the other one has put there meanwhile goes back.
  const away = `${path}.left-${process.pid}`;
  renameSync(path, away);
  if (read(away) !== text) isLinked(away, path);
  rmSync(away, { force: true });
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function holderOf(text: string): { readonly pid?: number; readonly identity?: string } {
  try {
    const { pid, identity } = JSON.parse(text);
    return { ...(Number.isInteger(pid) && { pid }), ...(typeof identity === 'string' && { identity }) };
  } catch {
    // Not written by a server: nobody has it.
    return {};
  }
}
