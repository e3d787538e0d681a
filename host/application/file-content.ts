import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { contentTypeOf } from '../http/file-content-type.js';
import { httpDate } from '../http/http-date.js';
import { findFile, isAbsence } from '../http/public-file.js';
import { arePublicNames } from '../http/public-path.js';
import { NotFoundError } from './http-errors.js';
import { type ContentOptions, StreamContent } from './outgoing-content.js';

/** Options of answering with a file. */
export interface FileOptions extends ContentOptions {
  /**
   * The file is a path below this folder, and may be named by a client: `..`, links out of the folder, names that begin
   * with a dot and files that describe a bundle are not found. Relative to the working directory.
   */
  readonly folder?: string | undefined;
}

/**
 * A file as a content: its length, Last-Modified, Content-Type by its name; opened when it is read. Not there, or no
 * file: `PORTICO_NOT_FOUND` (404). A file of its own, loaded by the first `respondFile`: an application without files
 * loads neither `node:fs` nor the table of types.
 */
export async function fileContent(path: string, options: FileOptions): Promise<StreamContent> {
  const found = await (options.folder === undefined ? findAny(path) : findBelow(options.folder, path));
  if (found === undefined) throw new NotFoundError();
  const { file, size, mtimeMs } = found;
  const slice = (first: number, last: number): AsyncIterable<Uint8Array> => readPart(file, first, last);
  return new StreamContent(slice(0, size - 1), {
    status: options.status,
    contentType: options.contentType ?? contentTypeOf(basename(file)),
    headers: ['Last-Modified', httpDate(mtimeMs), ...(options.headers ?? [])],
    length: size,
    slice,
  });
}

interface FoundFile {
  readonly file: string;
  readonly size: number;
  readonly mtimeMs: number;
}

async function findAny(path: string): Promise<FoundFile | undefined> {
  try {
    const file = resolve(path);
    const stats = await stat(file);
    return stats.isFile() ? { file, size: stats.size, mtimeMs: stats.mtimeMs } : undefined;
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

async function findBelow(folder: string, path: string): Promise<FoundFile | undefined> {
  const names = path.split('/').filter((name) => name !== '');
  if (!arePublicNames(names)) return undefined;
  const root = await realpath(folder).catch((error: unknown) => {
    if (isAbsence(error)) return undefined;
    throw error;
  });
  if (root === undefined) return undefined;
  const found = await findFile(root, names);
  if (found.kind !== 'file') return undefined;
  return { file: found.file, size: found.stats.size, mtimeMs: found.stats.mtimeMs };
}

/** The bytes from `first` to `last`; the file is closed behind the last one, and when the reader stops. */
async function* readPart(file: string, first: number, last: number): AsyncGenerator<Uint8Array> {
  if (last >= first) yield* createReadStream(file, { start: first, end: last }) as AsyncIterable<Buffer>;
}
