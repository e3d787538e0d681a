import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Entry, ZipFile } from 'yauzl';
import { messageOf, PorticoError } from '../../errors.js';
import { isAbsence } from '../../http/public-file.js';
import type { StaticResource, StaticSource } from './static-source.js';

/** More entries than these are no website. */
const MAX_ENTRIES = 100_000;

/** A zip file that is open. */
interface OpenZip {
  readonly zip: ZipFile;
  readonly files: ReadonlyMap<string, Entry>;
  readonly folders: ReadonlySet<string>;
  /** What the file system says of the file. */
  readonly version: string;
}

/**
 * A zip file. It is looked at for each call and opened anew when it has changed; answers that are under way read the one
 * before to the end. Owned by the application, which closes it.
 */
export class ZipSource implements StaticSource {
  readonly #path: string;
  readonly #base: string;
  #open: Promise<OpenZip> | undefined;
  #version: string | undefined;

  /** `base` is a folder in the archive. */
  constructor(path: string, base: string) {
    this.#path = resolve(path);
    this.#base = base.replace(/^\/+|\/+$/g, '');
  }

  async find(names: readonly string[]): Promise<StaticResource | 'folder' | undefined> {
    const open = await this.#current();
    if (open === undefined) return undefined;
    const path = names.join('/');
    const inZip = this.#base === '' ? path : `${this.#base}/${path}`;
    const entry = open.files.get(inZip);
    if (entry === undefined) return open.folders.has(inZip) ? 'folder' : undefined;
    return {
      path,
      length: entry.uncompressedSize,
      modifiedMs: entry.getLastModDate().getTime(),
      version: `${open.version}-${entry.crc32}-${inZip}`,
      read: (first, last) => readEntry(open.zip, entry, first, last),
    };
  }

  /** No file is opened any more; those that are being read are read to their end. */
  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    this.#version = undefined;
    await closed(open);
  }

  async #current(): Promise<OpenZip | undefined> {
    const version = await versionOf(this.#path);
    if (version === this.#version) return this.#open;
    const before = this.#open;
    const opening = version === undefined ? undefined : openZip(this.#path, version);
    this.#version = version;
    this.#open = opening;
    // One that cannot be opened is tried again by the next call.
    opening?.catch(() => {
      if (this.#open === opening) this.#version = undefined;
    });
    await closed(before);
    return opening;
  }
}

/** One that could not be opened needs no closing; whoever asked for it was told. */
async function closed(open: Promise<OpenZip> | undefined): Promise<void> {
  await open?.then(
    ({ zip }) => zip.close(),
    () => undefined,
  );
}

/** Undefined when there is no such file. */
async function versionOf(path: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeMs } = await stat(path);
    return `${ino}-${size}-${mtimeMs}`;
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw error;
  }
}

async function openZip(path: string, version: string): Promise<OpenZip> {
  const { openPromise } = (await import('yauzl')).default;
  const files = new Map<string, Entry>();
  const folders = new Set<string>();
  let zip: ZipFile | undefined;
  try {
    zip = await openPromise(path, { autoClose: false, lazyEntries: true });
    if (zip.entryCount > MAX_ENTRIES) throw new Error(`it has ${zip.entryCount} entries`);
    // yauzl refuses names that lead out of the archive.
    for await (const entry of zip.eachEntry()) {
      const name = entry.fileName.replace(/\/$/, '');
      if (name === entry.fileName) files.set(name, entry);
      else folders.add(name);
      for (let at = name.lastIndexOf('/'); at > 0; at = name.lastIndexOf('/', at - 1))
        folders.add(name.slice(0, at));
    }
    return { zip, files, folders, version };
  } catch (cause) {
    zip?.close();
    throw new PorticoError(
      'PORTICO_STATIC_ZIP',
      `${path} cannot be served: ${messageOf(cause)}. Put a zip file there, by renaming it.`,
      { cause },
    );
  }
}

/** A part of an entry; opened by the first read. What is in front of the part is unpacked and left away. */
async function* readEntry(
  zip: ZipFile,
  entry: Entry,
  first: number,
  last: number,
): AsyncGenerator<Uint8Array> {
  const stream = await zip.openReadStreamPromise(entry);
  let at = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const part = chunk.subarray(Math.max(0, first - at), Math.max(0, last + 1 - at));
      at += chunk.length;
      if (part.length > 0) yield part;
      if (at > last) return;
    }
  } finally {
    stream.destroy();
  }
}
