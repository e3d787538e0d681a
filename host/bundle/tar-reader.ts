import { type ArchiveEntry, ArchiveRefusedError } from './archive-guard.js';
import { ByteSource } from './byte-source.js';

/**
 * Reads a tar stream: ustar, with the long names of GNU and pax. It is our own reader because the stream is hostile:
 * the usual ones gather an extended header in memory whatever size it claims, go on behind the end mark, and let a
 * broken number pass. Links, devices, pipes and sparse files are refused.
 */

const BLOCK = 512;
/** A path of 1024 bytes, a few times over. */
const MAX_EXTENDED_BYTES = 64 * 1024;
/** Extended headers in a row before a real entry. */
const MAX_EXTENDED_IN_A_ROW = 4;

const KINDS: Readonly<Record<string, string>> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a device',
  '4': 'a device',
  '6': 'a named pipe',
  S: 'a sparse file',
};

/** The entries of an uncompressed tar stream. Throws ArchiveRefusedError. */
export async function* readTar(chunks: AsyncIterable<Buffer>): AsyncGenerator<ArchiveEntry> {
  const source = new ByteSource(chunks);
  try {
    for (;;) {
      const header = await nextHeader(source);
      if (header === undefined) return await requireEnd(source);
      const content = new EntryContent(source, header.name, header.size);
      yield {
        name: header.name,
        isFolder: header.isFolder,
        isExecutable: (header.mode & 0o111) !== 0,
        announcedBytes: header.size,
        content: content.read(),
      };
      await content.skipRest();
    }
  } finally {
    await source.close();
  }
}

interface Header {
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly mode: number;
  readonly isFolder: boolean;
}

/** The next real entry with its extended headers applied; undefined at the end mark. */
async function nextHeader(source: ByteSource): Promise<Header | undefined> {
  let longName: string | undefined;
  let longSize: number | undefined;
  for (let extended = 0; ; extended++) {
    const block = await source.read(BLOCK);
    if (block === undefined)
      throw new ArchiveRefusedError(undefined, 'is truncated: it ends without an end mark');
    if (block.every((byte) => byte === 0)) {
      if (extended > 0) throw new ArchiveRefusedError(undefined, 'ends behind an extended header');
      return undefined;
    }
    const header = parseHeader(block);
    if (!'LKxg'.includes(header.type)) return complete(header, longName, longSize);
    if (extended >= MAX_EXTENDED_IN_A_ROW)
      throw new ArchiveRefusedError(header.name, 'has too many extended headers');
    const body = await readExtended(source, header);
    if (header.type === 'K') throw new ArchiveRefusedError(header.name, 'is a link');
    if (header.type === 'L') longName = decode(body, header.name).replace(/\0+$/, '');
    else {
      const records = parsePax(body, header.name);
      if (header.type === 'g' && (records.has('path') || records.has('size'))) {
        throw new ArchiveRefusedError(header.name, 'gives one name or size to all entries');
      }
      longName = records.get('path') ?? longName;
      const size = records.get('size');
      if (size !== undefined) longSize = decimal(size, header.name);
    }
  }
}

function complete(header: Header, longName: string | undefined, longSize: number | undefined): Header {
  const name = longName ?? header.name;
  const kind = KINDS[header.type];
  if (kind !== undefined) throw new ArchiveRefusedError(name, `is ${kind}: only files and folders are taken`);
  if (!'0\u00007'.includes(header.type) && header.type !== '5') {
    throw new ArchiveRefusedError(name, `is of the unknown type ${JSON.stringify(header.type)}`);
  }
  const size = longSize ?? header.size;
  // Before ustar a folder was a file whose name ends in a slash.
  const isFolder = header.type === '5' || name.endsWith('/');
  if (isFolder && size !== 0) throw new ArchiveRefusedError(name, 'is a folder with content');
  return { ...header, name, size, isFolder };
}

function parseHeader(block: Buffer): Header {
  const sum = block.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0);
  const plain = cString(block.subarray(0, 100));
  const entry = plain.toString('latin1');
  const claimed = cString(block.subarray(148, 156)).toString('latin1').trim();
  if (!/^[0-7]{1,7}$/.test(claimed) || Number.parseInt(claimed, 8) !== sum) {
    throw new ArchiveRefusedError(
      undefined,
      'is not a tar archive, or it is damaged: a header has a wrong checksum',
    );
  }
  const isPosix = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isPosix ? cString(block.subarray(345, 500)) : Buffer.alloc(0);
  const nameBytes = prefix.length > 0 ? Buffer.concat([prefix, Buffer.from('/'), plain]) : plain;
  const type = String.fromCharCode(block[156] ?? 0);
  return {
    name: decode(nameBytes, entry),
    type,
    size: number(block.subarray(124, 136), entry),
    mode: number(block.subarray(100, 108), entry),
    isFolder: false,
  };
}

async function readExtended(source: ByteSource, header: Header): Promise<Buffer> {
  if (header.size > MAX_EXTENDED_BYTES)
    throw new ArchiveRefusedError(
      header.name,
      `has an extended header of more than ${MAX_EXTENDED_BYTES} bytes`,
    );
  const padded = Math.ceil(header.size / BLOCK) * BLOCK;
  const body = await source.read(padded);
  if (body === undefined) throw new ArchiveRefusedError(header.name, 'is truncated');
  return body.subarray(0, header.size);
}

/** Records of the form `27 path=some/name\n`; the number counts the whole record. */
function parsePax(body: Buffer, entry: string): Map<string, string> {
  const records = new Map<string, string>();
  for (let start = 0; start < body.length; ) {
    const space = body.indexOf(0x20, start);
    const length = space < 0 ? 0 : decimal(body.toString('latin1', start, space), entry);
    const end = start + length;
    if (length < 5 || end > body.length || body[end - 1] !== 0x0a || space >= end) {
      throw new ArchiveRefusedError(entry, 'has a damaged extended header');
    }
    const record = decode(body.subarray(space + 1, end - 1), entry);
    const equals = record.indexOf('=');
    const key = record.slice(0, equals);
    if (equals < 1) throw new ArchiveRefusedError(entry, 'has a damaged extended header');
    if (key === 'linkpath' || key.startsWith('GNU.sparse.'))
      throw new ArchiveRefusedError(entry, 'is a link or a sparse file');
    if (records.has(key)) throw new ArchiveRefusedError(entry, `has ${key} twice in its extended header`);
    records.set(key, record.slice(equals + 1));
    start = end;
  }
  return records;
}

/** The bytes of one entry, and what pads them to whole blocks. */
class EntryContent {
  readonly #source: ByteSource;
  readonly #name: string;
  #left: number;
  #padding: number;

  constructor(source: ByteSource, name: string, size: number) {
    this.#source = source;
    this.#name = name;
    this.#left = size;
    this.#padding = (BLOCK - (size % BLOCK)) % BLOCK;
  }

  async *read(): AsyncGenerator<Buffer> {
    while (this.#left > 0) yield await this.#next();
  }

  async skipRest(): Promise<void> {
    while (this.#left > 0) await this.#next();
    if (this.#padding > 0 && (await this.#source.read(this.#padding)) === undefined) throw this.#truncated();
    this.#padding = 0;
  }

  async #next(): Promise<Buffer> {
    const chunk = await this.#source.readSome(this.#left);
    if (chunk === undefined) throw this.#truncated();
    this.#left -= chunk.length;
    return chunk;
  }

  #truncated(): ArchiveRefusedError {
    return new ArchiveRefusedError(this.#name, 'is truncated: the archive ends within it');
  }
}

/** Behind the end mark there is nothing but zeros; a second archive there would be seen by some readers only. */
async function requireEnd(source: ByteSource): Promise<void> {
  for (;;) {
    const chunk = await source.readSome(64 * 1024);
    if (chunk === undefined) return;
    if (chunk.some((byte) => byte !== 0))
      throw new ArchiveRefusedError(undefined, 'has data behind its end mark');
  }
}

function cString(field: Buffer): Buffer {
  const end = field.indexOf(0);
  return end < 0 ? field : field.subarray(0, end);
}

/** Octal text, or a big-endian binary number when the top bit is set. */
function number(field: Buffer, entry: string): number {
  const first = field[0] ?? 0;
  if (first & 0x80) {
    let value = first & 0x7f;
    for (const byte of field.subarray(1)) value = value * 256 + byte;
    if ((first & 0x40) !== 0 || !Number.isSafeInteger(value))
      throw new ArchiveRefusedError(entry, 'has a number out of bounds');
    return value;
  }
  const text = cString(field).toString('latin1').trim();
  if (!/^[0-7]*$/.test(text)) throw new ArchiveRefusedError(entry, 'has a damaged header');
  return text === '' ? 0 : Number.parseInt(text, 8);
}

function decimal(text: string, entry: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new ArchiveRefusedError(entry, 'has a damaged extended header');
  return Number(text);
}

function decode(bytes: Buffer, entry: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ArchiveRefusedError(entry, 'has a name that is not valid UTF-8', { cause });
  }
}
