import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, realpath } from 'node:fs/promises';
import { PorticoError } from '../errors.js';
import { systemCodeOf } from '../system-error.js';
import { walkFolder } from './walk-folder.js';

/**
 * Two answers to "is it still the same?". The signature is cheap and tells that nothing was touched; it decides when
 * a bundle is stable and when to look closer. The fingerprint reads everything and tells whether the content is the
 * same, so that a touched file, a restored time or a moved folder redeploys nothing.
 */

/** SHA-256 of an archive's bytes, in hex: the same as `sha256sum` prints. Throws the system's error. */
export async function fingerprintArchive(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of readRegular(file)) hash.update(chunk);
  return hash.digest('hex');
}

/**
 * SHA-256 over a folder: paths, kinds, executable bits, contents and targets of links, but neither times nor owners.
 * Sockets, pipes and devices do not count. Throws the system's error when something vanishes on the way.
 */
export async function fingerprintFolder(folder: string): Promise<string> {
  const hash = createHash('sha256').update('portico folder 1\0');
  for await (const item of walkFolder(folder)) {
    if (item.kind === 'special') continue;
    // Each field ends in NUL, which no path and no target can contain; contents go in by their own digest.
    hash.update(`${item.kind}\0${item.path}\0`);
    if (item.kind === 'link') hash.update(`${item.target}\0`);
    if (item.kind !== 'file') continue;
    hash.update(`${isExecutable(item.stat.mode) ? 'x' : '-'}\0${await fingerprintArchive(item.absolute)}\0`);
  }
  return hash.digest('hex');
}

/**
 * A short text that differs when a file or anything in a folder was written, replaced, added or removed: kind, size,
 * times in either direction, inode. Equal texts mean nobody touched it. Undefined when it is not there.
 * Costs one `lstat` per file.
 */
export async function statSignature(path: string): Promise<string | undefined> {
  try {
    const real = await realpath(path);
    const stat = await lstat(real, { bigint: true });
    const own = `${real}:${stat.mode}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}:${stat.dev}:${stat.ino}`;
    if (!stat.isDirectory()) return own;
    const hash = createHash('sha256');
    let count = 0;
    for await (const { path: name, stat: inner, target } of walkFolder(real)) {
      count++;
      hash.update(
        `${name}\0${inner.mode}:${inner.size}:${inner.mtimeMs}:${inner.ctimeMs}:${inner.ino}:${target ?? ''}\0`,
      );
    }
    return `${real}:${stat.mode}:${stat.dev}:${stat.ino}:${count}:${hash.digest('base64url')}`;
  } catch (error) {
    const code = systemCodeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Whether anybody may execute a file of this mode. */
export function isExecutable(mode: number): boolean {
  return (mode & 0o111) !== 0;
}

/** The bytes of a regular file; anything else is refused without waiting for it. */
async function* readRegular(file: string): AsyncGenerator<Buffer> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (!(await handle.stat()).isFile()) {
      throw new PorticoError(
        'PORTICO_BUNDLE_UNREADABLE',
        `${file} is not a regular file: put an archive or a folder there`,
      );
    }
    const buffer = Buffer.allocUnsafe(256 * 1024);
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close();
  }
}
