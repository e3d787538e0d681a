import { constants, createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream';
import { createGunzip, type Gunzip } from 'node:zlib';
import type { ArchiveLimits } from '../config/host-config.js';
import { messageOf, PorticoError } from '../errors.js';
import { systemCodeOf } from '../system-error.js';
import { type ArchiveEntry, ArchiveGuard, ArchiveRefusedError } from './archive-guard.js';
import { storedMode } from './stored-mode.js';
import { readTar } from './tar-reader.js';
import { readZipEnd } from './zip-end.js';
import { readZip } from './zip-reader.js';

/**
 * Expands an archive as if an attacker had written it: `.tgz` or `.zip`, told apart by their first bytes. Nothing is
 * written outside the folder given, links are never made, and when anything is wrong nothing remains.
 */

const CHUNK_BYTES = 256 * 1024;
/** The folder `npm pack` puts around everything. */
const NPM_FOLDER = 'package';

/** What came out of an archive. */
export interface Expanded {
  readonly entries: number;
  readonly bytes: number;
}

/**
 * Expands `file` into `intoFolder`, which MUST NOT exist and is made. The layout of `npm pack` (everything in
 * `package/`) is flattened, once. Of the modes only "executable" is kept. Throws ArchiveRefusedError
 * (`PORTICO_ARCHIVE_REFUSED`) naming entry and rule, or the system's error for a full disk and the like; in both cases
 * `intoFolder` is gone. Aborting `signal` does the same, with the signal's reason.
 */
export async function expandArchive(
  file: string,
  intoFolder: string,
  limits: ArchiveLimits,
  signal?: AbortSignal,
): Promise<Expanded> {
  const { format, size } = await inspect(file);
  if (format === 'unknown') {
    throw new ArchiveRefusedError(
      undefined,
      size === 0 ? 'is empty' : 'is neither a gzipped tar nor a zip file',
    );
  }
  const guard = new ArchiveGuard(limits, size);
  await mkdir(intoFolder, { mode: 0o755 });
  try {
    const entries = format === 'zip' ? readZip(file, limits.maxEntries) : readTar(gunzip(file, size));
    for await (const entry of entries) {
      signal?.throwIfAborted();
      await writeEntry(entry, intoFolder, guard, signal);
    }
    if (guard.entries === 0) throw new ArchiveRefusedError(undefined, 'holds no files');
    await flattenPackage(intoFolder);
    return { entries: guard.entries, bytes: guard.totalBytes };
  } catch (error) {
    for (const leftover of [intoFolder, asideOf(intoFolder)]) {
      await rm(leftover, { recursive: true, force: true, maxRetries: 2 });
    }
    throw error;
  }
}

/**
 * Whether the archive is all there, so that a copy still going on is not taken. False only for what more bytes could
 * cure: an empty file, a zip without its end record, a gzip stream that stops early. What can never become an archive
 * counts as complete: `expandArchive` then says what is wrong with it.
 *
 * @param maxBytes beyond this many decompressed bytes it counts as complete as well; default 1 GiB
 */
export async function isArchiveComplete(file: string, maxBytes = 1024 ** 3): Promise<boolean> {
  const { format, size } = await inspect(file);
  if (size < 4) return false;
  if (format === 'unknown') return true;
  if (format === 'zip') return hasZipEnd(file, size);
  let bytes = 0;
  try {
    for await (const chunk of gunzip(file, size)) {
      bytes += chunk.length;
      if (bytes > maxBytes) return true;
    }
    return true;
  } catch (error) {
    if (error instanceof PorticoError) return systemCodeOf(error.cause) !== 'Z_BUF_ERROR';
    throw error;
  }
}

async function hasZipEnd(file: string, size: number): Promise<boolean> {
  const handle = await openRegular(file);
  try {
    return (await readZipEnd(handle, size)) !== undefined;
  } finally {
    await handle.close();
  }
}

async function inspect(file: string): Promise<{ format: 'gzip' | 'zip' | 'unknown'; size: number }> {
  const handle = await openRegular(file);
  try {
    const { size } = await handle.stat();
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    const magic = buffer.toString('latin1', 0, bytesRead);
    const isZip = magic === 'PK\u0003\u0004' || magic === 'PK\u0005\u0006';
    return { format: isZip ? 'zip' : magic.startsWith('\u001f\u008b') ? 'gzip' : 'unknown', size };
  } finally {
    await handle.close();
  }
}

async function openRegular(file: string): Promise<FileHandle> {
  // O_NONBLOCK: a named pipe must not keep us waiting for its writer.
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw new ArchiveRefusedError(undefined, 'is not a regular file');
}

async function* gunzip(file: string, size: number): AsyncGenerator<Buffer> {
  const stream: Gunzip = createGunzip({ chunkSize: 64 * 1024 });
  // Errors of either end destroy both; they come out of the loop below.
  pipeline(createReadStream(file, { highWaterMark: CHUNK_BYTES }), stream, () => undefined);
  try {
    for await (const chunk of stream) yield chunk;
  } catch (error) {
    const code = systemCodeOf(error) ?? '';
    if (!code.startsWith('Z_')) throw error;
    const what = code === 'Z_BUF_ERROR' ? 'is truncated' : `is damaged: ${messageOf(error)}`;
    throw new ArchiveRefusedError(undefined, what, { cause: error });
  }
  // Zeros behind the last member are passed over by Node's gunzip; anything else fails there.
  if (stream.bytesWritten !== size)
    throw new ArchiveRefusedError(undefined, 'has bytes behind its compressed data');
}

async function writeEntry(
  entry: ArchiveEntry,
  root: string,
  guard: ArchiveGuard,
  signal: AbortSignal | undefined,
): Promise<void> {
  const segments = guard.enter(entry.name, entry.isFolder);
  guard.announce(entry.name, entry.announcedBytes);
  const target = join(root, ...segments);
  if (entry.isFolder) {
    await mkdir(target, { recursive: true });
    return;
  }
  await mkdir(dirname(target), { recursive: true });
  const mode = storedMode(segments.join('/'), entry.isExecutable ? 0o755 : 0o644);
  const handle = await open(target, 'wx', mode);
  try {
    for await (const chunk of entry.content) {
      signal?.throwIfAborted();
      guard.count(entry.name, chunk.length);
      await writeAll(handle, chunk);
    }
  } finally {
    await handle.close();
  }
}

async function writeAll(handle: FileHandle, chunk: Buffer): Promise<void> {
  for (let written = 0; written < chunk.length; ) {
    written += (await handle.write(chunk, written)).bytesWritten;
  }
}

/** Lifts the content of `package/` up, when that is all there is. */
async function flattenPackage(folder: string): Promise<void> {
  const [only, ...others] = await readdir(folder, { withFileTypes: true });
  if (only?.name !== NPM_FOLDER || others.length > 0 || !only.isDirectory()) return;
  const aside = asideOf(folder);
  await rename(join(folder, NPM_FOLDER), aside);
  await rmdir(folder);
  await rename(aside, folder);
}

function asideOf(folder: string): string {
  return `${folder}.${NPM_FOLDER}`;
}
