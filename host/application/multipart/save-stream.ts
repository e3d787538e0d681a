import { open, rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * Writes a stream to a path that does not exist yet; gives its length in bytes. When it fails, what was written is
 * removed. A file of its own, loaded when a file is saved: an application that saves none loads no `node:fs`.
 */
export async function saveStream(source: Readable, path: string): Promise<number> {
  // Fails when there is something already; from here on the file is ours.
  const handle = await open(path, 'wx');
  const target = handle.createWriteStream();
  try {
    await pipeline(source, target);
  } catch (error) {
    try {
      await handle.close();
    } finally {
      await rm(path, { force: true });
    }
    throw error;
  }
  return target.bytesWritten;
}
