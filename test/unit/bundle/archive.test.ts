import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { createGzip, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import tarStream from 'tar-stream';
import yazl from 'yazl';
import { expandArchive, isArchiveComplete } from '#host/bundle/archive.js';
import { ArchiveRefusedError } from '#host/bundle/archive-guard.js';
import type { ArchiveLimits } from '#host/config/host-config.js';
import { paxItem, TAR_END, tarItem, tgz, zip } from '#test/support/hostile-archives.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

const MIB = 1024 ** 2;
const LIMITS: ArchiveLimits = {
  maxTotalBytes: 1024 * MIB,
  maxFileBytes: 256 * MIB,
  maxEntries: 50_000,
  maxRatio: 100,
  maxDepth: 64,
};

let temporary: TemporaryFolder;
let serial = 0;

beforeAll(() => {
  temporary = new TemporaryFolder();
});
afterAll(() => temporary.remove());

/** Writes the archive into a folder of its own and expands it beside it. */
async function expand(bytes: Buffer, limits: Partial<ArchiveLimits> = {}) {
  const folder = temporary.write(`case-${serial++}`, { archive: bytes });
  const into = join(folder, 'out');
  const result = await expandArchive(join(folder, 'archive'), into, { ...LIMITS, ...limits });
  return { into, result };
}

/** Expects a refusal and that nothing but the archive is left; gives the message. */
async function refusal(bytes: Buffer, limits: Partial<ArchiveLimits> = {}): Promise<string> {
  const folder = temporary.write(`case-${serial++}`, { archive: bytes });
  const error: unknown = await expandArchive(join(folder, 'archive'), join(folder, 'out'), {
    ...LIMITS,
    ...limits,
  }).then(
    () => 'expanded',
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ArchiveRefusedError);
  expect(readdirSync(folder)).toEqual(['archive']);
  return (error as ArchiveRefusedError).message;
}

function tree(folder: string): Record<string, string> {
  const result: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) result[path.slice(folder.length + 1)] = readFileSync(path, 'utf8');
  }
  return result;
}

describe('expandArchive: what tools make', () => {
  it('expands a tar of tar-stream, long names and executable bits included', async () => {
    const long = `${'deep/'.repeat(30)}${'n'.repeat(120)}.js`;
    const pack = tarStream.pack();
    pack.entry({ name: 'bin/', type: 'directory' });
    pack.entry({ name: 'bin/run', mode: 0o4755 }, 'run');
    pack.entry({ name: long }, 'long');
    pack.entry({ name: 'größe.txt' }, 'ä');
    pack.finalize();
    const chunks: Buffer[] = [];
    for await (const chunk of pack.pipe(createGzip())) chunks.push(chunk as Buffer);
    const { into, result } = await expand(Buffer.concat(chunks));
    expect(tree(into)).toEqual({ 'bin/run': 'run', [long]: 'long', 'größe.txt': 'ä' });
    expect(lstatSync(join(into, 'bin/run')).mode & 0o7777).toBe(0o755);
    expect(result.bytes).toBe(9);
  });

  it('expands what GNU tar writes, long names included', async () => {
    const long = `${'d'.repeat(90)}/${'n'.repeat(120)}.txt`;
    const folder = temporary.write('gnu', { 'a.txt': 'a', [long]: 'b' });
    const archive = temporary.at('gnu.tgz');
    execFileSync('tar', ['-czf', archive, '-C', folder, '.']);
    const { into } = await expand(readFileSync(archive));
    expect(tree(into)).toEqual({ 'a.txt': 'a', [long]: 'b' });
  });

  it('expands a zip of yazl: stored, deflated, empty, zip64, streamed with a data descriptor', async () => {
    const file = new yazl.ZipFile();
    file.addBuffer(Buffer.from('stored'), 'a/stored.txt', { compress: false });
    file.addBuffer(Buffer.from('x'.repeat(5000)), 'a/packed.txt', { mode: 0o100755 });
    file.addBuffer(Buffer.alloc(0), 'empty');
    file.addBuffer(Buffer.from('64'), 'big.txt', { forceZip64Format: true });
    file.addEmptyDirectory('folder');
    const { Readable } = await import('node:stream');
    file.addReadStream(Readable.from([Buffer.from('streamed')]), 'streamed.txt');
    file.end({ forceZip64Format: true, comment: 'made by a test' });
    const chunks: Buffer[] = [];
    for await (const chunk of file.outputStream) chunks.push(chunk as Buffer);
    const { into } = await expand(Buffer.concat(chunks));
    expect(tree(into)).toEqual({
      'a/stored.txt': 'stored',
      'a/packed.txt': 'x'.repeat(5000),
      empty: '',
      'big.txt': '64',
      'streamed.txt': 'streamed',
    });
    expect(lstatSync(join(into, 'folder')).isDirectory()).toBe(true);
    expect(lstatSync(join(into, 'a/packed.txt')).mode & 0o777).toBe(0o755);
  });

  it('lifts the content of package/ up, once, and only when nothing lies beside it', async () => {
    const npm = await expand(
      tgz({ name: 'package/package.json', data: '{}' }, { name: 'package/package/index.js', data: '1' }),
    );
    expect(tree(npm.into)).toEqual({ 'package.json': '{}', 'package/index.js': '1' });
    const plain = await expand(tgz({ name: 'package/a', data: 'a' }, { name: 'b', data: 'b' }));
    expect(tree(plain.into)).toEqual({ 'package/a': 'a', b: 'b' });
  });

  it('takes a multi-member gzip file', async () => {
    const whole = Buffer.concat([tarItem({ name: 'a', data: 'a' }), TAR_END]);
    const { into } = await expand(
      Buffer.concat([gzipSync(whole.subarray(0, 600)), gzipSync(whole.subarray(600))]),
    );
    expect(tree(into)).toEqual({ a: 'a' });
  });
});

describe('expandArchive: names', () => {
  const names: readonly [string, RegExp][] = [
    ['../../etc/x', /climbs out/],
    ['a/../../x', /climbs out/],
    ['/tmp/x', /absolute/],
    ['C:/x', /drive/],
    ['C:x', /drive/],
    ['..\\x', /backslash/],
    ['a\\..\\..\\x', /backslash/],
    ['a//b', /empty or \. segment/],
    ['a/./b', /empty or \. segment/],
    ['a\nb', /control character/],
    ['n'.repeat(99), /name longer/],
  ];
  it.each(names.slice(0, -1))('refuses %j in a tar and in a zip', async (name, rule) => {
    const good = { name: 'good.txt', data: 'good' };
    expect(await refusal(tgz(good, { name, data: 'x' }))).toMatch(rule);
    expect(await refusal(tgz(good, paxItem({ path: name }), { name: 'harmless', data: 'x' }))).toMatch(rule);
    expect(await refusal(zip([good, { name, data: 'x' }]))).toMatch(rule);
  });

  it('names the entry in its message', async () => {
    expect(await refusal(tgz({ name: '../../etc/x', data: 'x' }))).toContain('"../../etc/x"');
  });

  it('refuses a NUL in a name', async () => {
    expect(await refusal(tgz(paxItem({ path: 'a\0b' }), { name: 'x', data: 'x' }))).toMatch(/NUL/);
    expect(await refusal(zip([{ name: 'a\0b', data: 'x' }]))).toMatch(/NUL/);
  });

  it('refuses names that are not UTF-8, too long or too deep', async () => {
    const latin = Buffer.from([0x66, 0xfc, 0x72]);
    expect(await refusal(tgz({ name: latin }))).toMatch(/UTF-8/);
    expect(await refusal(zip([{ name: latin }]))).toMatch(/UTF-8/);
    expect(await refusal(tgz(paxItem({ path: 'n'.repeat(300) }), { name: 'x' }))).toMatch(/longer than 255/);
    expect(await refusal(tgz(paxItem({ path: 'd/'.repeat(600) }), { name: 'x' }))).toMatch(
      /longer than 1024/,
    );
    expect(await refusal(zip([{ name: `${'d/'.repeat(64)}x` }]))).toMatch(/deeper than 64/);
  });

  it('refuses names a file system may take for one', async () => {
    const pairs = [
      ['App.js', 'app.js'],
      ['caf\u00e9', 'cafe\u0301'],
      ['Dir/a', 'dir/b'],
      ['stra\u00dfe', 'STRASSE'],
    ] as const;
    for (const [first, second] of pairs) {
      expect(await refusal(tgz({ name: first }, { name: second }))).toMatch(/letter case or Unicode form/);
      expect(await refusal(zip([{ name: first }, { name: second }]))).toMatch(/letter case or Unicode form/);
    }
  });

  it('refuses a name that is there twice, or as file and folder', async () => {
    expect(await refusal(tgz({ name: 'a' }, { name: 'a' }))).toMatch(/twice/);
    expect(await refusal(zip([{ name: 'a' }, { name: 'a' }]))).toMatch(/twice/);
    expect(await refusal(tgz({ name: 'a', data: '1' }, { name: 'a/b', data: '2' }))).toMatch(
      /file and a folder/,
    );
    expect(await refusal(tgz({ name: 'a/b', data: '2' }, { name: 'a', data: '1' }))).toMatch(
      /file and a folder/,
    );
    expect(await refusal(zip([{ name: 'a/' }, { name: 'a' }]))).toMatch(/file and a folder/);
  });
});

describe('expandArchive: kinds of entries', () => {
  it.each([
    ['1', /hard link/],
    ['2', /symbolic link/],
    ['3', /device/],
    ['4', /device/],
    ['6', /named pipe/],
    ['S', /sparse/],
    ['Z', /unknown type/],
  ])('refuses a tar entry of type %s', async (type, rule) => {
    expect(await refusal(tgz({ name: 'good' }, { name: 'bad', type, link: '/etc/passwd' }))).toMatch(rule);
  });

  it('refuses a link and the file written through it before anything is written outside', async () => {
    const outside = temporary.at('outside');
    await refusal(
      tgz({ name: 'link', type: '2', link: temporary.path }, { name: 'link/outside', data: 'x' }),
    );
    expect(existsSync(outside)).toBe(false);
  });

  it('refuses links, devices and pipes in a zip', async () => {
    expect(await refusal(zip([{ name: 'l', data: '/etc', unixMode: 0o120777 }]))).toMatch(/symbolic link/);
    expect(await refusal(zip([{ name: 'p', unixMode: 0o010644 }]))).toMatch(/pipe/);
  });

  it('drops setuid, setgid and write bits of others', async () => {
    const { into } = await expand(tgz({ name: 'a', mode: 0o6777 }, { name: 'b', mode: 0o666 }));
    expect(lstatSync(join(into, 'a')).mode & 0o7777).toBe(0o755);
    expect(lstatSync(join(into, 'b')).mode & 0o7777).toBe(0o644);
  });
});

describe('expandArchive: damage and lies', () => {
  it('refuses what is no archive', async () => {
    expect(await refusal(Buffer.alloc(0))).toMatch(/is empty/);
    expect(await refusal(Buffer.from('hello, this is text'))).toMatch(/neither/);
    expect(await refusal(gzipSync('hello'.repeat(400)))).toMatch(/not a tar/);
    expect(await refusal(tgz())).toMatch(/no files/);
    expect(await refusal(zip([]))).toMatch(/no files/);
  });

  it('refuses a tar cut off at any place', async () => {
    const whole = tgz({ name: 'a', data: Buffer.alloc(3000, 'ab') }, { name: 'b', data: 'b' });
    for (let length = 1; length < whole.length; length += 7) await refusal(whole.subarray(0, length));
    const tar = Buffer.concat([tarItem({ name: 'a', data: 'x'.repeat(600) }), TAR_END]);
    expect(await refusal(gzipSync(tar.subarray(0, 700)))).toMatch(/truncated/);
    expect(await refusal(gzipSync(tar.subarray(0, 512 + 1024)))).toMatch(/truncated/);
  });

  it('refuses a zip cut off at any place', async () => {
    const whole = zip([
      { name: 'a', data: 'a'.repeat(500) },
      { name: 'b', data: 'b' },
    ]);
    for (let length = 1; length < whole.length; length += 5) await refusal(whole.subarray(0, length));
  });

  it('refuses wrong checksums', async () => {
    const damaged = tgz({ name: 'a', data: 'some text' });
    damaged.writeUInt32LE((damaged.readUInt32LE(damaged.length - 8) ^ 1) >>> 0, damaged.length - 8);
    expect(await refusal(damaged)).toMatch(/damaged/);
    expect(await refusal(zip([{ name: 'a', data: 'text', crc: 1 }]))).toMatch(/wrong checksum/);
    expect(await refusal(zip([{ name: 'a', data: 'text', method: 0, crc: 1 }]))).toMatch(/wrong checksum/);
  });

  it('refuses bytes before, between and behind', async () => {
    const items = [
      { name: 'a', data: 'a' },
      { name: 'b', data: 'b' },
    ];
    expect(await refusal(zip(items, { before: 'PK\u0003\u0004junk' }))).toMatch(/before its first entry/);
    expect(await refusal(zip(items, { between: 'junk' }))).toMatch(/between its entries/);
    expect(await refusal(zip(items, { after: 'junk' }))).toMatch(/behind its end/);
    const whole = tgz({ name: 'a' });
    expect(await refusal(Buffer.concat([whole, Buffer.from('junk')]))).toMatch(/damaged/);
    expect(await refusal(Buffer.concat([whole, Buffer.alloc(100)]))).toMatch(/behind its compressed data/);
    const second = Buffer.concat([TAR_END, tarItem({ name: 'hidden' })]);
    expect(await refusal(tgz({ name: 'a' }, second))).toMatch(/behind its end mark/);
  });

  it('refuses local headers that differ from the central directory', async () => {
    expect(await refusal(zip([{ name: 'a.js', localName: 'b.js', data: 'x' }]))).toMatch(/local header/);
    expect(await refusal(zip([{ name: 'a.js', data: 'x', localSizes: 9 }]))).toMatch(/local header/);
  });

  it('refuses entries that overlap', async () => {
    const data = Buffer.alloc(1000, 'x');
    const bomb = zip([
      { name: 'a', data },
      { name: 'a', data, sharesDataOf: 0 },
      { name: 'a', data, sharesDataOf: 0 },
    ]);
    expect(await refusal(bomb)).toMatch(/overlap/);
  });

  it('refuses encrypted entries, unknown methods and wrong sizes', async () => {
    expect(await refusal(zip([{ name: 'a', data: 'x', flags: 0x0801 }]))).toMatch(/encrypted/);
    expect(await refusal(zip([{ name: 'a', data: 'x', flags: 0x0841 }]))).toMatch(/encrypt/);
    expect(await refusal(zip([{ name: 'a', data: 'x', method: 12 }]))).toMatch(/method 12/);
    expect(await refusal(zip([{ name: 'a', data: 'x'.repeat(100), uncompressedSize: 10 }]))).toMatch(
      /more than the 10 bytes/,
    );
    expect(await refusal(zip([{ name: 'a', data: 'x', uncompressedSize: 10 }]))).toMatch(/claims 10/);
    expect(await refusal(zip([{ name: 'a', data: 'x' }], { count: 2 }))).toMatch(/damaged/);
  });

  it('refuses damaged tar headers', async () => {
    const header = tarItem({ name: 'a', data: 'x' });
    header[0] = 0x62;
    expect(await refusal(tgz(header))).toMatch(/wrong checksum/);
    expect(await refusal(tgz(paxItem({ path: 'x', size: '-1' }), { name: 'a' }))).toMatch(/damaged/);
    expect(await refusal(tgz(paxItem({ size: '99999999999999' }), { name: 'a' }))).toMatch(/larger than/);
    expect(await refusal(tgz({ name: 'p', type: 'x', data: '999 path=x\n' }, { name: 'a' }))).toMatch(
      /damaged/,
    );
    expect(await refusal(tgz(paxItem({ path: 'x' }, 'g'), { name: 'a' }))).toMatch(/all entries/);
    expect(await refusal(tgz(paxItem({ 'GNU.sparse.major': '1' }), { name: 'a' }))).toMatch(/sparse/);
  });
});

describe('expandArchive: bombs', () => {
  /** A tar with one file of zeros, made in a stream so that the test needs no memory either. */
  async function bomb(bytes: number, name = 'zeros', type = '0'): Promise<string> {
    const file = temporary.at(`bomb-${serial++}.tgz`);
    const handle = await open(file, 'w');
    const gzip = createGzip({ level: 1 });
    const done = (async () => {
      for await (const chunk of gzip) await handle.write(chunk as Buffer);
      await handle.close();
    })();
    gzip.write(tarItem({ name, type, size: bytes }));
    const zeros = Buffer.alloc(4 * MIB);
    for (let left = bytes; left > 0; left -= zeros.length) {
      if (!gzip.write(zeros.subarray(0, Math.min(left, zeros.length)))) {
        await new Promise((resolve) => gzip.once('drain', resolve));
      }
    }
    gzip.end(TAR_END);
    await done;
    return file;
  }

  it('refuses a gzip bomb by its ratio, soon and in little memory', async () => {
    const file = await bomb(512 * MIB);
    const into = temporary.at('bomb-out');
    const before = process.memoryUsage().rss;
    const started = performance.now();
    const limits = { ...LIMITS, maxFileBytes: 2048 * MIB, maxRatio: 20 };
    await expect(expandArchive(file, into, limits)).rejects.toThrow(/20 times the size/);
    expect(performance.now() - started).toBeLessThan(60_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * MIB);
    expect(existsSync(into)).toBe(false);
  });

  it('refuses by the announced size before anything is expanded', async () => {
    const header = tgz(tarItem({ name: 'big', size: 300 * MIB }));
    expect(await refusal(header)).toMatch(/larger than 256MiB/);
    const item = { name: 'a', data: 'x', uncompressedSize: 0x7fffffff };
    expect(await refusal(zip([item]))).toMatch(/larger than 256MiB/);
  });

  it('refuses an extended header that claims to be huge without gathering it', async () => {
    const before = process.memoryUsage().rss;
    const file = await bomb(200 * MIB, 'pax', 'x');
    await expect(expandArchive(file, temporary.at('pax-out'), LIMITS)).rejects.toThrow(
      /extended header of more than/,
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * MIB);
  });

  it('refuses too many bytes, entries and levels', async () => {
    const files = Array.from({ length: 30 }, (_, index) => ({ name: `f${index}`, data: 'x'.repeat(100) }));
    expect(await refusal(tgz(...files), { maxTotalBytes: 1000 })).toMatch(/more than 1000B/);
    expect(await refusal(zip(files), { maxTotalBytes: 1000 })).toMatch(/more than 1000B/);
    expect(await refusal(tgz(...files), { maxEntries: 20 })).toMatch(/more than 20 files/);
    expect(await refusal(zip(files), { maxEntries: 20 })).toMatch(/more than 20 files/);
    expect(await refusal(tgz({ name: 'a/b/c/d' }), { maxDepth: 3 })).toMatch(/deeper than 3/);
    expect(await refusal(tgz({ name: 'a/b/c/d' }), { maxEntries: 3 })).toMatch(/more than 3 files/);
  });

  it('refuses a zip bomb by its ratio on the bytes that really come out', async () => {
    const items = [1, 2].map((n) => ({ name: `z${n}`, data: Buffer.alloc(20 * MIB) }));
    expect(await refusal(zip(items))).toMatch(/100 times the size/);
  });

  it('stops when aborted, and leaves nothing', async () => {
    const folder = temporary.write('aborted', { archive: tgz({ name: 'a', data: 'a' }) });
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(expandArchive(join(folder, 'archive'), join(folder, 'out'), LIMITS, signal)).rejects.toThrow(
      'enough',
    );
    expect(readdirSync(folder)).toEqual(['archive']);
  });

  it('does not wait for a named pipe in the place of an archive', async () => {
    const pipe = temporary.at('pipe.tgz');
    execFileSync('mkfifo', [pipe]);
    await expect(expandArchive(pipe, temporary.at('pipe-out'), LIMITS)).rejects.toThrow(/not a regular file/);
    await expect(isArchiveComplete(pipe)).rejects.toThrow(/not a regular file/);
  });
});

describe('isArchiveComplete', () => {
  async function complete(bytes: Buffer): Promise<boolean> {
    const file = temporary.at(`complete-${serial++}`);
    writeFileSync(file, bytes);
    return isArchiveComplete(file);
  }

  it('says no while a copy is going on, whatever its length', async () => {
    for (const whole of [
      tgz({ name: 'a', data: 'abc'.repeat(500) }),
      zip([{ name: 'a', data: 'abc'.repeat(500) }]),
    ]) {
      for (let length = 0; length < whole.length; length += 3) {
        expect([length, await complete(whole.subarray(0, length))]).toEqual([length, false]);
      }
      expect(await complete(whole)).toBe(true);
    }
  });

  it('says yes to what more bytes would not cure', async () => {
    expect(await complete(Buffer.from('no archive at all'))).toBe(true);
    expect(await complete(Buffer.concat([tgz({ name: 'a' }), Buffer.from('junk')]))).toBe(true);
    const damaged = tgz({ name: 'a', data: 'text' });
    damaged.writeUInt32LE(1, damaged.length - 8);
    expect(await complete(damaged)).toBe(true);
  });
});
