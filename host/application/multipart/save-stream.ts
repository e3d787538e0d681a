import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * Writes a stream to a path that does not exist yet; gives its length in bytes. When it fails, what was written is
 * removed. A file of its own, loaded when a file is saved: an application that saves none loads no `node:fs`.
 */
export async function saveStream(source: Readable, path: string): Promise<number> {
  const target = createWriteStream(path, { flags: 'wx' });
  let isOurs = false;
  target.once('open', () => {
    isOurs = true;
  });
  try {
    await pipeline(source, target);
  } catch (error) {
    if (!target.closed) await once(target, 'close');
    if (isOurs) await rm(path, { force: true });
    throw error;
  }
  return target.bytesWritten;
}
