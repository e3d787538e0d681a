import type { FileHandle } from 'node:fs/promises';

/** Where the central directory of a zip file lies, by the records at the end of the file (APPNOTE 4.3.14 to 4.3.16). */
export interface ZipEnd {
  readonly directoryOffset: number;
  readonly directoryBytes: number;
  readonly entries: number;
  /** First byte of the end records; the central directory must end here. */
  readonly endOffset: number;
}

const END_SIGNATURE = 0x06054b50;
const LOCATOR_SIGNATURE = 0x07064b50;
const END64_SIGNATURE = 0x06064b50;
const END_BYTES = 22;
const LOCATOR_BYTES = 20;
const END64_BYTES = 56;
const MAX_COMMENT_BYTES = 0xffff;

/**
 * Finds the end record. Its comment must end where the file ends, so bytes behind the archive are not overlooked.
 * Undefined when there is none: the file is cut off, still being written, or no zip file.
 */
export async function readZipEnd(handle: FileHandle, fileBytes: number): Promise<ZipEnd | undefined> {
  const tail = await readAt(
    handle,
    Math.max(0, fileBytes - END_BYTES - MAX_COMMENT_BYTES - LOCATOR_BYTES),
    fileBytes,
  );
  if (tail === undefined) return undefined;
  const tailOffset = fileBytes - tail.length;
  for (let at = tail.length - END_BYTES; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== END_SIGNATURE) continue;
    if (at + END_BYTES + tail.readUInt16LE(at + 20) !== tail.length) return undefined;
    const end: ZipEnd = {
      entries: tail.readUInt16LE(at + 10),
      directoryBytes: tail.readUInt32LE(at + 12),
      directoryOffset: tail.readUInt32LE(at + 16),
      endOffset: tailOffset + at,
    };
    const locatorAt = at - LOCATOR_BYTES;
    const has64 = locatorAt >= 0 && tail.readUInt32LE(locatorAt) === LOCATOR_SIGNATURE;
    return has64 ? readEnd64(handle, tail.readBigUInt64LE(locatorAt + 8), tailOffset + locatorAt) : end;
  }
  return undefined;
}

async function readEnd64(
  handle: FileHandle,
  offset: bigint,
  locatorOffset: number,
): Promise<ZipEnd | undefined> {
  if (offset + BigInt(END64_BYTES) > BigInt(locatorOffset)) return undefined;
  const record = await readAt(handle, Number(offset), Number(offset) + END64_BYTES);
  if (record === undefined || record.readUInt32LE(0) !== END64_SIGNATURE) return undefined;
  if (BigInt(locatorOffset) !== offset + 12n + record.readBigUInt64LE(4)) return undefined;
  return {
    entries: Number(record.readBigUInt64LE(32)),
    directoryBytes: Number(record.readBigUInt64LE(40)),
    directoryOffset: Number(record.readBigUInt64LE(48)),
    endOffset: Number(offset),
  };
}

async function readAt(handle: FileHandle, start: number, end: number): Promise<Buffer | undefined> {
  const buffer = Buffer.alloc(end - start);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, start + length);
    if (bytesRead === 0) return undefined;
    length += bytesRead;
  }
  return buffer;
}
