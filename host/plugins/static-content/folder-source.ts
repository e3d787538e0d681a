import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { resolve } from 'node:path';
import { PorticoError } from '../../errors.js';
import { findFile, isAbsence } from '../../http/public-file.js';
import type { StaticResource, StaticSource } from './static-source.js';

/** A folder of the file system. It may not exist yet; it is looked up for each call, so a link may be turned. */
export class FolderSource implements StaticSource {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = resolve(folder);
  }

  async find(names: readonly string[]): Promise<StaticResource | 'folder' | undefined> {
    const root = await this.#root();
    if (root === undefined) return undefined;
    const found = await findFile(root, names);
    if (found.kind !== 'file') return found.kind === 'folder' ? 'folder' : undefined;
    const { file, stats } = found;
    return {
      path: names.join('/'),
      length: stats.size,
      modifiedMs: stats.mtimeMs,
      version: `${stats.ino}-${stats.size}-${stats.mtimeMs}`,
      read: (first, last) => readFile(file, first, last),
    };
  }

  async #root(): Promise<string | undefined> {
    try {
      return await realpath(this.#folder);
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw error;
    }
  }
}

/** A part of a file; opened by the first read, closed behind the last one or when the reader stops. */
async function* readFile(path: string, first: number, last: number): AsyncGenerator<Uint8Array> {
  // O_NONBLOCK and O_NOFOLLOW: should a pipe or a link have taken the place of the file, neither is read.
  const file = await open(
    path,
    constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0),
  );
  try {
    for (let at = first; at <= last; ) {
      // A buffer of its own for each read: a chunk belongs to the response once it is given.
      const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, last + 1 - at));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) throw shorter(path, at);
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

const READ_BYTES = 64 * 1024;

function shorter(path: string, at: number): PorticoError {
  return new PorticoError(
    'PORTICO_STATIC_FILE_CHANGED',
    `${path} became shorter while it was sent; it ends at byte ${at}. Replace files by renaming, not by writing into them.`,
  );
}
