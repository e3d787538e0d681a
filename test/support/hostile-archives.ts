import { crc32, deflateRawSync, gzipSync } from 'node:zlib';

/** Writers of archives no sane tool would make: every byte can be wrong. */

export interface TarItem {
  readonly name: string | Buffer;
  readonly type?: string;
  readonly data?: string | Buffer;
  /** What the header says, when it lies. */
  readonly size?: number;
  readonly mode?: number;
  readonly link?: string;
  readonly magic?: string;
}

/** One entry: header, data, padding. */
export function tarItem(item: TarItem): Buffer {
  const data = Buffer.from(item.data ?? '');
  const header = Buffer.alloc(512);
  Buffer.from(item.name).copy(header, 0, 0, 100);
  header.write(`${(item.mode ?? 0o644).toString(8).padStart(7, '0')}\0`, 100);
  header.write('0000000\0' + '0000000\0', 108);
  header.write(`${(item.size ?? data.length).toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write(item.type ?? '0', 156, 'latin1');
  header.write(item.link ?? '', 157);
  header.write(item.magic ?? 'ustar\u000000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, data, Buffer.alloc((512 - (data.length % 512)) % 512)]);
}

/** A pax extended header with these records, for the entry that follows. */
export function paxItem(records: Readonly<Record<string, string>>, type = 'x'): Buffer {
  const lines = Object.entries(records).map(([key, value]) => {
    const body = Buffer.byteLength(` ${key}=${value}\n`);
    let length = body + 1;
    while (String(length).length + body !== length) length = String(length).length + body;
    return `${length} ${key}=${value}\n`;
  });
  return tarItem({ name: 'pax', type, data: lines.join('') });
}

export const TAR_END = Buffer.alloc(1024);

/** A gzipped tar of these entries. */
export function tgz(...parts: readonly (TarItem | Buffer)[]): Buffer {
  const blocks = parts.map((part) => (Buffer.isBuffer(part) ? part : tarItem(part)));
  return gzipSync(Buffer.concat([...blocks, TAR_END]));
}

export interface ZipItem {
  readonly name: string | Buffer;
  readonly data?: string | Buffer;
  /** Differs from `name` in the local header. */
  readonly localName?: string;
  readonly flags?: number;
  readonly method?: number;
  readonly crc?: number;
  /** What the headers say, when they lie. */
  readonly uncompressedSize?: number;
  readonly unixMode?: number;
  /** Points to the local header of an earlier item instead of having one. */
  readonly sharesDataOf?: number;
  readonly localSizes?: number;
}

/** A zip file; `before`, `between` and `after` are stray bytes. */
export function zip(
  items: readonly ZipItem[],
  stray: {
    readonly before?: string;
    readonly between?: string;
    readonly after?: string;
    readonly count?: number;
  } = {},
): Buffer {
  const parts: Buffer[] = [Buffer.from(stray.before ?? '')];
  let offset = parts[0]?.length ?? 0;
  const directory: Buffer[] = [];
  const offsets: number[] = [];
  for (const item of items) {
    const data = Buffer.from(item.data ?? '');
    const method = item.method ?? 8;
    const packed = method === 8 ? deflateRawSync(data) : data;
    const name = Buffer.from(item.name);
    const flags = item.flags ?? 0x0800;
    const fields = Buffer.alloc(22);
    fields.writeUInt16LE(flags, 0);
    fields.writeUInt16LE(method, 2);
    fields.writeUInt32LE(item.crc ?? crc32(data), 8);
    fields.writeUInt32LE(packed.length, 12);
    fields.writeUInt32LE(item.uncompressedSize ?? data.length, 16);
    fields.writeUInt16LE(name.length, 20);
    const localFields = Buffer.from(fields);
    const localName = Buffer.from(item.localName ?? item.name);
    localFields.writeUInt16LE(localName.length, 20);
    if (item.localSizes !== undefined) localFields.writeUInt32LE(item.localSizes, 12);
    const shared = item.sharesDataOf === undefined ? undefined : offsets[item.sharesDataOf];
    offsets.push(shared ?? offset);
    if (shared === undefined) {
      const local = Buffer.concat([
        Buffer.from('504b03041400', 'hex'),
        localFields,
        Buffer.alloc(2),
        localName,
        packed,
        Buffer.from(stray.between ?? ''),
      ]);
      parts.push(local);
      offset += local.length;
    }
    const central = Buffer.alloc(46);
    central.write('504b0102', 0, 'hex');
    central.writeUInt16LE((3 << 8) | 20, 4);
    central.writeUInt16LE(20, 6);
    fields.copy(central, 8);
    central.writeUInt32LE(((item.unixMode ?? 0o100644) << 16) >>> 0, 38);
    central.writeUInt32LE(offsets.at(-1) ?? 0, 42);
    directory.push(central, name);
  }
  const records = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write('504b0506', 0, 'hex');
  end.writeUInt16LE(stray.count ?? items.length, 8);
  end.writeUInt16LE(stray.count ?? items.length, 10);
  end.writeUInt32LE(records.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, records, end, Buffer.from(stray.after ?? '')]);
}
