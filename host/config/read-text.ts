import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { TextDecoder } from 'node:util';
import { PorticoError } from '../errors.js';
import { systemCodeOf } from '../system-error.js';
import { formatSize } from '../units.js';

/** Largest configuration file. What a person writes is a few KiB; more would only cost the parser time and memory. */
const MAX_CONFIG_BYTES = 256 * 1024;

/**
 * Reads a small text file that may have been put there by anybody: a pipe or device is refused without waiting for
 * it, a file beyond `maxBytes` without reading it. Throws PorticoError `PORTICO_FILE_UNREADABLE` (with the system's
 * error as cause, so `ENOENT` can be told from others), `PORTICO_FILE_TOO_LARGE`, `PORTICO_FILE_NOT_TEXT`.
 */
export function readSmallText(file: string, maxBytes: number = MAX_CONFIG_BYTES): string {
  const bytes = readSmallFile(file, maxBytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new PorticoError('PORTICO_FILE_NOT_TEXT', `${file} is not UTF-8 text: save it as UTF-8`, { cause });
  }
}

function readSmallFile(file: string, maxBytes: number): Buffer {
  let descriptor: number;
  try {
    // O_NONBLOCK: opening a named pipe for reading returns at once instead of waiting for a writer.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw unreadable(file, cause);
  }
  try {
    const stat = fstatSync(descriptor);
    if (!stat.isFile()) {
      throw new PorticoError(
        'PORTICO_FILE_UNREADABLE',
        `${file} is not a regular file: put a text file there`,
      );
    }
    const buffer = Buffer.alloc(Math.min(stat.size, maxBytes) + 1);
    let length = 0;
    while (length < buffer.length) {
      const count = readSync(descriptor, buffer, length, buffer.length - length, null);
      if (count === 0) break;
      length += count;
    }
    if (stat.size > maxBytes || length > maxBytes) {
      throw new PorticoError(
        'PORTICO_FILE_TOO_LARGE',
        `${file} has ${Math.max(stat.size, length)} bytes; at most ${formatSize(maxBytes)} are read`,
      );
    }
    return buffer.subarray(0, length);
  } catch (error) {
    if (error instanceof PorticoError) throw error;
    throw unreadable(file, error);
  } finally {
    closeSync(descriptor);
  }
}

function unreadable(file: string, cause: unknown): PorticoError {
  const code = systemCodeOf(cause) ?? 'unknown error';
  const reason = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
  return new PorticoError('PORTICO_FILE_UNREADABLE', `${file} ${reason}`, { cause });
}
