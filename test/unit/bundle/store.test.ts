import { execFile, execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fingerprintArchive, fingerprintFolder, statSignature } from '#host/bundle/fingerprint.js';
import { packageRoot } from '#host/bundle/provided-package.js';
import { BundleStore } from '#host/bundle/store.js';
import type { ArchiveLimits } from '#host/config/host-config.js';
import { PorticoError } from '#host/errors.js';
import { tgz, zip } from '#test/support/hostile-archives.js';
import { repositoryFolder } from '#test/support/paths.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

const LIMITS: ArchiveLimits = {
  maxTotalBytes: 1024 ** 3,
  maxFileBytes: 256 * 1024 ** 2,
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

function newStore(work = temporary.write(`work-${serial++}`, {})) {
  return { work, store: new BundleStore(work, LIMITS), content: () => readdirSync(join(work, 'store')) };
}

function folder(files: Readonly<Record<string, string>>): string {
  return temporary.write(`folder-${serial++}`, files);
}

function archive(bytes: Buffer, extension = 'tgz'): string {
  return join(temporary.write(`archive-${serial++}`, { [`shop.${extension}`]: bytes }), `shop.${extension}`);
}

async function codeOf(action: Promise<unknown>): Promise<string> {
  const error: unknown = await action.then(
    () => 'nothing was thrown',
    (thrown: unknown) => thrown,
  );
  return error instanceof PorticoError ? error.code : String(error);
}

describe('fingerprint', () => {
  it('of an archive is what sha256sum prints', async () => {
    const file = archive(Buffer.from('some bytes'));
    expect(await fingerprintArchive(file)).toBe(
      execFileSync('sha256sum', [file], { encoding: 'utf8' }).slice(0, 64),
    );
  });

  it('of a folder depends on content, names, executable bits and links only', async () => {
    const files = { 'a/b.js': '1', 'c.txt': '2' };
    const [first, second] = [folder(files), folder(files)];
    const same = await fingerprintFolder(first);
    expect(await fingerprintFolder(second)).toBe(same);
    utimesSync(join(second, 'c.txt'), 1, 1);
    chmodSync(join(second, 'c.txt'), 0o600);
    expect(await fingerprintFolder(second)).toBe(same);
    chmodSync(join(second, 'c.txt'), 0o755);
    const seen = [same, await fingerprintFolder(second)];
    for (const change of [
      () => writeFileSync(join(second, 'c.txt'), '3'),
      () => renameSync(join(second, 'c.txt'), join(second, 'd.txt')),
      () => mkdirSync(join(second, 'empty')),
      () => symlinkSync('a', join(second, 'link')),
      () => {
        rmSync(join(second, 'link'));
        symlinkSync('d.txt', join(second, 'link'));
      },
    ]) {
      change();
      seen.push(await fingerprintFolder(second));
    }
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('does not mix up where one name ends and the next begins', async () => {
    expect(await fingerprintFolder(folder({ a: 'bc', d: '' }))).not.toBe(
      await fingerprintFolder(folder({ a: 'b', cd: '' })),
    );
  });
});

describe('statSignature', () => {
  it('is equal until something is touched, and notices an older time, another inode, a deeper file', async () => {
    const path = folder({ 'a/b/c.txt': '1' });
    const file = join(path, 'a/b/c.txt');
    const seen = [await statSignature(path)];
    expect(await statSignature(path)).toBe(seen[0]);
    for (const change of [
      () => utimesSync(file, 1, 1),
      () => writeFileSync(file, '2'),
      () => {
        writeFileSync(`${file}.new`, '3');
        renameSync(`${file}.new`, file);
      },
      () => writeFileSync(join(path, 'a/b/d.txt'), ''),
      () => rmSync(join(path, 'a/b/d.txt')),
    ]) {
      change();
      seen.push(await statSignature(path));
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(await statSignature(join(path, 'none'))).toBeUndefined();
    expect(await statSignature(file)).not.toBe(await statSignature(path));
  });
});

describe('BundleStore', () => {
  it('keeps archives and folders under their content, once', async () => {
    const { work, store, content } = newStore();
    const file = archive(tgz({ name: 'package/index.js', data: '1' }));
    const first = await store.put({ kind: 'archive', path: file });
    expect(first.folder).toBe(join(work, 'store', await fingerprintArchive(file)));
    expect(readFileSync(join(first.folder, 'index.js'), 'utf8')).toBe('1');
    const again = await store.put({ kind: 'archive', path: archive(readFileSync(file)) });
    expect(again).toEqual(first);
    const zipped = await store.put({
      kind: 'archive',
      path: archive(zip([{ name: 'index.js', data: '1' }]), 'zip'),
    });
    const exploded = await store.put({ kind: 'folder', path: folder({ 'index.js': '1' }) });
    expect(new Set([first.fingerprint, zipped.fingerprint, exploded.fingerprint]).size).toBe(3);
    expect(content().sort()).toEqual([first.fingerprint, zipped.fingerprint, exploded.fingerprint].sort());
    expect(store.find(first.fingerprint)).toBe(first.folder);
    expect(store.find('../../etc')).toBeUndefined();
  });

  it('lets nobody write into the files of installed packages, which all instances share', async () => {
    const { store } = newStore();
    const path = folder({ 'app.js': '', 'node_modules/p/index.js': '', 'node_modules/p/bin': '' });
    chmodSync(join(path, 'node_modules/p/bin'), 0o755);
    const { folder: snapshot } = await store.put({ kind: 'folder', path });
    const modeOf = (file: string): number => lstatSync(join(snapshot, file)).mode & 0o777;
    expect(modeOf('app.js') & 0o200).toBe(0o200);
    expect(modeOf('node_modules/p/index.js') & 0o222).toBe(0);
    expect(modeOf('node_modules/p/bin')).toBe(0o555);
    await store.collect(new Set());
    expect(existsSync(snapshot)).toBe(false);
  });

  it('takes snapshots: what happens to the bundle afterwards changes nothing', async () => {
    const { store } = newStore();
    const path = folder({ 'index.js': 'old', 'bin/run': '' });
    chmodSync(join(path, 'bin/run'), 0o4775);
    const { folder: snapshot } = await store.put({ kind: 'folder', path });
    writeFileSync(join(path, 'index.js'), 'new');
    expect(readFileSync(join(snapshot, 'index.js'), 'utf8')).toBe('old');
    expect(lstatSync(join(snapshot, 'bin/run')).mode & 0o7777).toBe(0o755);
    const next = await store.put({ kind: 'folder', path });
    rmSync(path, { recursive: true });
    expect(readFileSync(join(next.folder, 'index.js'), 'utf8')).toBe('new');
  });

  it('keeps links inside relative, those that leave absolute, and ends at loops; skips sockets and pipes', async () => {
    const { store } = newStore();
    const path = folder({ 'lib/a.js': 'a', 'index.js': '' });
    symlinkSync('lib/a.js', join(path, 'relative'));
    symlinkSync(join(path, 'lib'), join(path, 'absolute'));
    symlinkSync('../index.js', join(path, 'lib/up'));
    symlinkSync('/etc', join(path, 'etc'));
    symlinkSync('../..', join(path, 'lib/out'));
    symlinkSync('loop', join(path, 'loop'));
    symlinkSync('.', join(path, 'self'));
    execFileSync('mkfifo', [join(path, 'pipe')]);
    const server = createServer().listen(join(path, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    const stored = await store.put({ kind: 'folder', path });
    const target = (name: string) => readlinkSync(join(stored.folder, name));
    expect(['relative', 'absolute', 'lib/up', 'etc', 'lib/out', 'loop', 'self'].map(target)).toEqual([
      'lib/a.js',
      'lib',
      '../index.js',
      '/etc',
      temporary.path,
      'loop',
      '.',
    ]);
    expect(stored.notes).toEqual([expect.stringContaining('"pipe"'), expect.stringContaining('"socket"')]);
    expect(existsSync(join(stored.folder, 'pipe'))).toBe(false);
    expect((await store.put({ kind: 'folder', path })).notes).toHaveLength(2);
    await new Promise((resolve) => server.close(resolve));
  });

  it('follows a link in the place of the bundle itself', async () => {
    const { store } = newStore();
    const link = temporary.at(`link-${serial++}`);
    symlinkSync(folder({ 'index.js': 'x' }), link);
    const { folder: snapshot } = await store.put({ kind: 'folder', path: link });
    expect(readFileSync(join(snapshot, 'index.js'), 'utf8')).toBe('x');
  });

  it('builds the same content once when asked for many times at once', async () => {
    const { store, content } = newStore();
    const files = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`f${index}.txt`, `${index}`]),
    );
    const path = folder(files);
    const results = await Promise.all(Array.from({ length: 8 }, () => store.put({ kind: 'folder', path })));
    expect(new Set(results.map((result) => result.folder)).size).toBe(1);
    expect(content()).toEqual([results[0]?.fingerprint]);
  });

  it('lets two stores on one folder put the same content', async () => {
    const { work, store, content } = newStore();
    const path = folder({ 'index.js': 'shared' });
    const other = new BundleStore(work, LIMITS);
    const [a, b] = await Promise.all([
      store.put({ kind: 'folder', path }),
      other.put({ kind: 'folder', path }),
    ]);
    expect(a.folder).toBe(b.folder);
    expect(content()).toEqual([a.fingerprint]);
  });

  it('keeps what is put while a collection waits for an earlier one', async () => {
    const { work, store } = newStore();
    await store.prepare();
    for (let index = 0; index < 200; index++) {
      mkdirSync(join(work, 'store', index.toString(16).padStart(64, '0')));
    }
    const first = store.collect(new Set());
    const second = store.collect(new Set());
    const { folder: kept } = await store.put({ kind: 'folder', path: folder({ a: 'a' }) });
    await Promise.all([first, second]);
    expect(existsSync(join(kept, 'a'))).toBe(true);
  });

  it('keeps what was being put when a collection began', async () => {
    const { store } = newStore();
    for (let round = 0; round < 30; round++) {
      const putting = store.put({ kind: 'folder', path: folder({ a: `${round}` }) });
      for (let turns = 0; turns < round; turns++) await new Promise((resolve) => setImmediate(resolve));
      await Promise.all([putting, store.collect(new Set())]);
      expect(existsSync((await putting).folder)).toBe(true);
      await store.collect(new Set());
    }
  });

  it('removes what nobody uses, and keeps what is given out meanwhile', async () => {
    const { store, content } = newStore();
    const put = (text: string) => store.put({ kind: 'folder', path: folder({ 'index.js': text }) });
    const [a, b, c] = [await put('a'), await put('b'), await put('c')];
    await store.release(c.fingerprint);
    expect(content().sort()).toEqual([a.fingerprint, b.fingerprint].sort());
    const [, again] = await Promise.all([store.collect(new Set([a.fingerprint])), put('b'), put('d')]);
    expect(existsSync(again.folder)).toBe(true);
    expect(content()).toContain(a.fingerprint);
    await store.collect(new Set());
    expect(content()).toEqual([]);
    await store.release('not a fingerprint');
    await store.release(a.fingerprint);
  });

  it('removes what a crash left half done, but not what others are building', async () => {
    const { work, store, content } = newStore();
    const dead = spawnSync('true').pid;
    const names = [
      `.tmp-${dead}-00000000-1`,
      '.tmp-garbage',
      `.tmp-${process.pid}-0badcafe-3`,
      `.tmp-${process.ppid}-00000000-1`,
    ];
    for (const name of names)
      temporary.write(join(work.slice(temporary.path.length + 1), 'store', name), { 'a/b': 'x' });
    await store.prepare();
    expect(content()).toEqual([`.tmp-${process.ppid}-00000000-1`]);
  });

  it('leaves nothing after a refused archive, and takes the corrected one', async () => {
    const { store, content } = newStore();
    const path = archive(tgz({ name: 'good', data: 'x' }, { name: '../evil', data: 'x' }));
    expect(await codeOf(store.put({ kind: 'archive', path }))).toBe('PORTICO_ARCHIVE_REFUSED');
    expect(content()).toEqual([]);
    writeFileSync(path, tgz({ name: 'good', data: 'x' }));
    await store.put({ kind: 'archive', path });
    expect(content()).toHaveLength(1);
  });

  it('asks to try again when the bundle is gone, and says what it is when it is something else', async () => {
    const { store, content } = newStore();
    expect(await codeOf(store.put({ kind: 'archive', path: temporary.at('none.tgz') }))).toBe(
      'PORTICO_BUNDLE_CHANGED',
    );
    expect(await codeOf(store.put({ kind: 'folder', path: temporary.at('none') }))).toBe(
      'PORTICO_BUNDLE_CHANGED',
    );
    expect(await codeOf(store.put({ kind: 'archive', path: folder({ a: '' }) }))).toBe(
      'PORTICO_BUNDLE_UNREADABLE',
    );
    const pipe = temporary.at(`pipe-${serial++}.tgz`);
    execFileSync('mkfifo', [pipe]);
    expect(await codeOf(store.put({ kind: 'archive', path: pipe }))).toBe('PORTICO_BUNDLE_UNREADABLE');
    expect(content()).toEqual([]);
  });

  it('gives one clean answer when files vanish and change while it copies', async () => {
    const { store, content } = newStore();
    for (let round = 0; round < 10; round++) {
      const files = Object.fromEntries(
        Array.from({ length: 200 }, (_, index) => [`f${index}.txt`, `${round}`]),
      );
      const path = folder(files);
      const result = store.put({ kind: 'folder', path }).then(
        () => 'taken',
        (error: unknown) => (error instanceof PorticoError ? error.code : String(error)),
      );
      let index = 199;
      const timer = setInterval(
        () => {
          rmSync(join(path, `f${index--}.txt`), { force: true });
          writeFileSync(join(path, 'f0.txt'), 'changed');
        },
        1 + (round % 3),
      );
      expect(['taken', 'PORTICO_BUNDLE_CHANGED']).toContain(await result);
      clearInterval(timer);
    }
    expect(content().filter((name) => name.startsWith('.tmp'))).toEqual([]);
  });

  it('says so when the work folder cannot be written, and recovers', async () => {
    const work = temporary.at(`work-${serial++}`);
    writeFileSync(work, 'a file in the way');
    const { store } = newStore(work);
    const path = folder({ 'index.js': '' });
    expect(await codeOf(store.put({ kind: 'folder', path }))).toBe('PORTICO_STORE_UNWRITABLE');
    rmSync(work);
    expect((await store.put({ kind: 'folder', path })).folder).toContain(work);
  });
});

/** Mounts a disk of 1 MiB; undefined where this process may not. */
function smallDisk(): string | undefined {
  const point = mkdtempSync(join(tmpdir(), 'portico-disk-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', point]).status === 0) return point;
  rmdirSync(point);
  return undefined;
}

const disk = smallDisk();
afterAll(() => {
  if (disk === undefined) return;
  spawnSync('umount', [disk]);
  rmdirSync(disk);
});

describe('a full disk', () => {
  (disk === undefined ? it.skip : it)(
    'is reported, leaves nothing behind, and a smaller bundle still goes in',
    async () => {
      const { store, content } = newStore(disk);
      const big = folder({ 'index.js': 'x'.repeat(3 * 1024 ** 2) });
      const error: unknown = await store
        .put({ kind: 'folder', path: big })
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({
        code: 'PORTICO_STORE_UNWRITABLE',
        message: expect.stringContaining('the disk is full'),
      });
      const packed = archive(tgz({ name: 'big', data: 'x'.repeat(3 * 1024 ** 2) }));
      expect(await codeOf(store.put({ kind: 'archive', path: packed }))).toBe('PORTICO_STORE_UNWRITABLE');
      expect(content()).toEqual([]);
      await store.put({ kind: 'folder', path: folder({ 'index.js': 'small' }) });
      expect(content()).toHaveLength(1);
    },
  );
});

describe('the provided package', () => {
  const run = promisify(execFile);

  it('is the repository itself', () => {
    expect(`${packageRoot()}/`).toBe(repositoryFolder);
  });

  it('is found by import and by require from an expanded bundle, which carries no copy', async () => {
    const { work, store } = newStore();
    const stored = await store.put({
      kind: 'archive',
      path: archive(
        tgz(
          { name: 'package/package.json', data: '{"type":"module"}' },
          {
            name: 'package/index.js',
            data: "import * as portico from 'portico'; console.log(typeof portico, import.meta.resolve('portico'));",
          },
          {
            name: 'package/old.cjs',
            data: "console.log(typeof require('portico'), require.resolve('portico'));",
          },
        ),
      ),
    });
    expect(`${readlinkSync(join(work, 'node_modules/portico'))}/`).toBe(repositoryFolder);
    for (const file of ['index.js', 'old.cjs']) {
      const { stdout } = await run(process.execPath, [join(stored.folder, file)], { env: {} });
      expect(stdout).toContain('object');
      expect(stdout).toContain(join(repositoryFolder, 'dist/host/framework.js'));
    }
  });

  it("gives way to a bundle's own copy", async () => {
    const { store } = newStore();
    const stored = await store.put({
      kind: 'folder',
      path: folder({
        'index.cjs': "console.log(require('portico').own)",
        'node_modules/portico/package.json': '{"name":"portico","main":"own.js"}',
        'node_modules/portico/own.js': 'exports.own = "own copy"',
      }),
    });
    const { stdout } = await run(process.execPath, [join(stored.folder, 'index.cjs')], { env: {} });
    expect(stdout.trim()).toBe('own copy');
  });

  it('replaces the link of an earlier installation', async () => {
    const { work, store } = newStore();
    mkdirSync(join(work, 'node_modules'));
    symlinkSync('/nowhere', join(work, 'node_modules/portico'));
    await store.prepare();
    expect(`${readlinkSync(join(work, 'node_modules/portico'))}/`).toBe(repositoryFolder);
    expect(readdirSync(join(work, 'node_modules'))).toEqual(['portico']);
  });
});
