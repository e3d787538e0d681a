import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';
import type yauzl from 'yauzl';
import { messageOf } from '../errors.js';
import { type ArchiveEntry, ArchiveRefusedError } from './archive-guard.js';
import { readZipEnd } from './zip-end.js';

/**
 * Reads a zip file through its central directory, and refuses whatever two readers could see differently: local
 * headers that disagree with the directory, entries that overlap or leave gaps, bytes before the first and behind the
 * last, wrong sizes and checksums, encryption, links.
 */

const FLAG_ENCRYPTED = 0x2041;
const FLAG_DESCRIPTOR = 0x0008;
/** Sizes of a data descriptor: with or without signature, with 4 or 8 byte sizes (APPNOTE 4.3.9). */
const DESCRIPTOR_BYTES = [12, 16, 20, 24];
const LATER = 0xffffffff;
const STORED = 0;
const DEFLATED = 8;

interface Located {
  readonly entry: yauzl.Entry;
  readonly name: string;
  readonly dataStart: number;
}

/** The entries of a zip file in the order of their data. Throws ArchiveRefusedError before the first when the layout is wrong. */
export async function* readZip(file: string, maxEntries: number): AsyncGenerator<ArchiveEntry> {
  const directoryOffset = await checkEnd(file, maxEntries);
  // Loaded for the first zip file only: most hosts see none, and the server stays small.
  const { openPromise } = (await import('yauzl')).default;
  const zip = await refused(
    openPromise(file, {
      autoClose: false,
      lazyEntries: true,
      decodeStrings: false,
      validateEntrySizes: true,
    }),
  );
  try {
    for (const located of await locate(zip, directoryOffset)) {
      yield {
        name: located.name,
        isFolder: located.name.endsWith('/'),
        isExecutable: ((located.entry.externalFileAttributes >>> 16) & 0o111) !== 0,
        announcedBytes: located.entry.uncompressedSize,
        content: readContent(zip, located),
      };
    }
  } finally {
    zip.close();
  }
}

async function checkEnd(file: string, maxEntries: number): Promise<number> {
  const handle = await open(file, 'r');
  try {
    const end = await readZipEnd(handle, (await handle.stat()).size);
    if (end === undefined)
      throw new ArchiveRefusedError(undefined, 'is truncated, or has bytes behind its end');
    if (end.entries > maxEntries)
      throw new ArchiveRefusedError(undefined, `holds more than ${maxEntries} files and folders`);
    if (end.directoryOffset + end.directoryBytes !== end.endOffset) {
      throw new ArchiveRefusedError(undefined, 'has a central directory that does not end where it says');
    }
    return end.directoryOffset;
  } finally {
    await handle.close();
  }
}

/** Reads directory and local headers; checks that the entries lie one behind the other without gap or overlap. */
async function locate(zip: yauzl.ZipFile, directoryOffset: number): Promise<Located[]> {
  const entries: yauzl.Entry[] = [];
  const iterator = zip.eachEntry();
  for (;;) {
    const next = await refused(iterator.next());
    if (next.done === true) break;
    entries.push(next.value);
  }
  entries.sort((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader);
  const located: Located[] = [];
  for (const entry of entries) located.push(await checkEntry(zip, entry));
  let end = 0;
  let mayHaveDescriptor = false;
  const meet = (start: number, name: string | undefined) => {
    const gap = start - end;
    if (gap === 0 ? !mayHaveDescriptor : mayHaveDescriptor && DESCRIPTOR_BYTES.includes(gap)) return;
    const place =
      end === 0
        ? 'bytes before its first entry'
        : gap < 0
          ? 'entries that overlap'
          : 'bytes between its entries';
    throw new ArchiveRefusedError(
      name,
      name === undefined ? `has ${place}` : `does not lie where it should: the archive has ${place}`,
    );
  };
  for (const { entry, name, dataStart } of located) {
    meet(entry.relativeOffsetOfLocalHeader, name);
    end = dataStart + entry.compressedSize;
    mayHaveDescriptor = (entry.generalPurposeBitFlag & FLAG_DESCRIPTOR) !== 0;
  }
  meet(directoryOffset, undefined);
  return located;
}

async function checkEntry(zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<Located> {
  const rawName = Buffer.from(entry.fileNameRaw);
  const name = decode(rawName);
  const refuse = (rule: string) => new ArchiveRefusedError(name, rule);
  if ((entry.generalPurposeBitFlag & FLAG_ENCRYPTED) !== 0) throw refuse('is encrypted');
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED) {
    throw refuse(`is compressed by method ${entry.compressionMethod}: only deflate is read`);
  }
  const type = (entry.externalFileAttributes >>> 16) & 0o170000;
  if (type === 0o120000) throw refuse('is a symbolic link: only files and folders are taken');
  if (type !== 0 && type !== 0o100000 && type !== 0o040000)
    throw refuse('is a device, pipe or socket: only files and folders are taken');
  const isFolder = name.endsWith('/');
  if (type === 0o040000 && !isFolder) throw refuse('is marked as a folder but named as a file');
  if (isFolder && entry.uncompressedSize !== 0) throw refuse('is a folder with content');
  const local = await refused(zip.readLocalFileHeaderPromise(entry), name);
  const sameSize = (value: number, expected: number) => value === expected || value === LATER;
  const isLater = (entry.generalPurposeBitFlag & FLAG_DESCRIPTOR) !== 0 && local.crc32 === 0;
  const agrees =
    rawName.equals(local.fileName) &&
    local.compressionMethod === entry.compressionMethod &&
    local.generalPurposeBitFlag === entry.generalPurposeBitFlag &&
    (isLater ||
      (local.crc32 === entry.crc32 &&
        sameSize(local.compressedSize, entry.compressedSize) &&
        sameSize(local.uncompressedSize, entry.uncompressedSize)));
  if (!agrees) throw refuse('has a local header that differs from the central directory');
  return { entry, name, dataStart: local.fileDataStart };
}

/** Size and checksum are checked while the bytes pass; the last chunk may already have been given out when they fail. */
async function* readContent(zip: yauzl.ZipFile, { entry, name, dataStart }: Located): AsyncGenerator<Buffer> {
  const { compressedSize, uncompressedSize } = entry;
  const raw = await new Promise<NodeJS.ReadableStream>((resolve, reject) => {
    zip.openReadStreamLowLevel(dataStart, compressedSize, 0, compressedSize, false, null, (error, stream) =>
      error === null ? resolve(stream) : reject(error),
    );
  });
  const inflate = entry.compressionMethod === DEFLATED ? createInflateRaw() : undefined;
  // Errors of either end destroy both; they come out of the loop below.
  const stream = inflate === undefined ? raw : pipeline(raw, inflate, () => undefined);
  let size = 0;
  let sum = 0;
  try {
    for await (const piece of stream) {
      const chunk = Buffer.isBuffer(piece) ? piece : Buffer.from(piece);
      size += chunk.length;
      if (size > uncompressedSize)
        throw new ArchiveRefusedError(name, `expands to more than the ${uncompressedSize} bytes it claims`);
      sum = crc32(chunk, sum);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof ArchiveRefusedError) throw error;
    throw new ArchiveRefusedError(name, `cannot be decompressed: ${messageOf(error)}`, { cause: error });
  }
  if (size !== uncompressedSize)
    throw new ArchiveRefusedError(name, `has ${size} bytes where it claims ${uncompressedSize}`);
  if (inflate !== undefined && inflate.bytesWritten !== compressedSize)
    throw new ArchiveRefusedError(name, 'has bytes behind its compressed data');
  if (sum !== entry.crc32)
    throw new ArchiveRefusedError(name, 'has a wrong checksum: the archive is damaged');
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ArchiveRefusedError(
      Buffer.from(bytes).toString('latin1'),
      'has a name that is not valid UTF-8',
      { cause },
    );
  }
}

async function refused<T>(action: Promise<T>, name?: string): Promise<T> {
  try {
    return await action;
  } catch (error) {
    throw new ArchiveRefusedError(name, `is damaged: ${messageOf(error)}`, { cause: error });
  }
}
