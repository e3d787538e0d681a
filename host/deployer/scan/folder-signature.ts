import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PorticoError } from '../../errors.js';
import { systemCodeOf } from '../../system-error.js';

/** What stat says about a file or a tree: enough to notice a change, without reading content. */
export interface Signature {
  readonly signature: string;
  /** Newest change time (not modification time, which copying may set back), milliseconds since 1970. */
  readonly newestMs: number;
}

/** Files looked at together. Keeps the thread pool busy without filling it. */
const BATCH = 32;

/**
 * Signature of a whole tree. Links inside are not followed, so a loop cannot trap it. Entries that vanish on the way
 * are left out. Throws `PORTICO_BUNDLE_TOO_LARGE` beyond `maxEntries`, and what the file system throws for the top folder.
 */
export async function folderSignature(root: string, maxEntries: number): Promise<Signature> {
  const hash = createHash('sha1');
  const waiting = [''];
  let newestMs = 0;
  let count = 0;
  for (let folder = waiting.shift(); folder !== undefined; folder = waiting.shift()) {
    const names = await namesIn(join(root, folder), folder === '');
    count += names.length;
    if (count > maxEntries) {
      throw new PorticoError(
        'PORTICO_BUNDLE_TOO_LARGE',
        `the folder has more than ${maxEntries} files; remove what does not belong to the bundle or raise archives.maxEntries`,
      );
    }
    for (let start = 0; start < names.length; start += BATCH) {
      const batch = names
        .slice(start, start + BATCH)
        .map((name) => (folder === '' ? name : `${folder}/${name}`));
      const stats = await Promise.all(batch.map((path) => statOrNothing(join(root, path))));
      for (const [index, stat] of stats.entries()) {
        const path = batch[index];
        if (stat === undefined || path === undefined) continue;
        newestMs = Math.max(newestMs, Number(stat.ctimeMs));
        if (stat.isDirectory()) waiting.push(path);
        hash.update(`${path}\0${stat.isDirectory() ? 'folder' : statText(stat)}\n`);
      }
    }
  }
  return { signature: hash.digest('hex'), newestMs };
}

/** Signature of one file from its stat. */
export function fileSignature(stat: BigIntStats): Signature {
  return { signature: statText(stat), newestMs: Number(stat.ctimeMs) };
}

/** The change time is part of it: a copy that keeps size, time and inode still moves it. */
function statText(stat: BigIntStats): string {
  return `${stat.mode.toString(8)}.${stat.size}.${stat.mtimeNs}.${stat.ctimeNs}.${stat.ino}`;
}

async function namesIn(folder: string, isTop: boolean): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (isTop || !isVanished(error)) throw error;
    return [];
  }
}

async function statOrNothing(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (isVanished(error)) return undefined;
    throw error;
  }
}

/** True when the entry went away between being listed and being looked at. */
export function isVanished(error: unknown): boolean {
  const code = systemCodeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
