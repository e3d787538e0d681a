import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Candidate, signatureOf } from '#host/deployer/scan/candidate.js';
import { Scanner } from '#host/deployer/scan/scan.js';

describe('Scanner', () => {
  let apps: string;
  let scanner: Scanner;
  let asked: string[];
  beforeEach(async () => {
    apps = await mkdtemp(join(tmpdir(), 'portico-scan-'));
    asked = [];
    scanner = new Scanner({
      appsFolder: apps,
      maxEntries: 50,
      isArchiveComplete: async (path) => {
        asked.push(path);
        return true;
      },
    });
  });
  afterEach(() => rm(apps, { recursive: true, force: true }));

  async function candidates(): Promise<readonly Candidate[]> {
    const scan = await scanner.scan();
    if (scan.kind !== 'listed') throw new Error(scan.reason);
    return scan.candidates;
  }

  async function signature(): Promise<string | undefined> {
    const [first] = await candidates();
    return first && signatureOf(first);
  }

  it('puts everything of one name together, and passes over what is none of its business', async () => {
    for (const folder of ['shop', 'node_modules', '.git', 'lost+found']) await mkdir(join(apps, folder));
    for (const file of [
      'shop.TGZ',
      'shop.yaml',
      'shop.ready',
      'README.md',
      'x.tgz~',
      '.hidden.tgz',
      'y.zip.part',
    ]) {
      await writeFile(join(apps, file), 'portico: {}\n');
    }
    const [shop, ...others] = await candidates();
    expect(others).toEqual([]);
    expect(shop?.sources.map(({ kind }) => kind)).toEqual(['archive', 'folder']);
    expect(shop?.descriptor?.problem).toBeUndefined();
    expect(shop?.marker?.path).toBe(join(apps, 'shop.ready'));
  });

  it('sees every change of a folder: content of same size and time, deep files, names, links', async () => {
    await mkdir(join(apps, 'shop/a/b'), { recursive: true });
    const file = join(apps, 'shop/a/b/c.js');
    await writeFile(file, 'one');
    await utimes(file, 1000, 1000);
    const seen = [await signature()];
    expect(await signature()).toBe(seen[0]);
    await writeFile(file, 'two');
    await utimes(file, 1000, 1000);
    seen.push(await signature());
    await rename(file, join(apps, 'shop/a/b/d.js'));
    seen.push(await signature());
    await symlink('d.js', join(apps, 'shop/a/b/e.js'));
    seen.push(await signature());
    await mkdir(join(apps, 'shop/empty'));
    seen.push(await signature());
    expect(new Set(seen).size).toBe(5);
  });

  it('does not follow links within a folder, so that a loop or /proc cannot trap it', async () => {
    await mkdir(join(apps, 'shop'));
    await symlink('.', join(apps, 'shop/loop'));
    await symlink('/proc', join(apps, 'shop/proc'));
    expect((await candidates())[0]?.sources).toMatchObject([{ problem: undefined }]);
  });

  it('follows a link that is itself the bundle, and keeps an application whose link leads nowhere', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'portico-scan-elsewhere-'));
    await writeFile(join(elsewhere, 'server.js'), '');
    await symlink(elsewhere, join(apps, 'shop'));
    expect((await candidates())[0]?.sources).toMatchObject([{ problem: undefined }]);
    await rm(elsewhere, { recursive: true });
    const [shop] = await candidates();
    expect(shop?.name).toBe('shop');
    expect(shop?.sources[0]?.problem).toBe(
      `${join(apps, 'shop')} is a link to ${elsewhere}, which is not there; ` +
        'put the bundle there, correct the link or delete it',
    );
    await rm(join(apps, 'shop'));
    await symlink('shop', join(apps, 'shop'));
    expect((await candidates())[0]?.sources[0]?.problem).toMatch(/cannot be followed: .*ELOOP/);
  });

  it('says where a bundle is missing that lies elsewhere, and which file to correct', async () => {
    await writeFile(join(apps, 'shop.yml'), 'portico: { bundle: ../gone/shop.tgz }\n');
    const [shop] = await candidates();
    const path = resolve(apps, '../gone/shop.tgz');
    const file = join(apps, 'shop.yml');
    expect(shop?.sources[0]?.problem).toBe(
      `${path}, where ${file} says that the bundle lies, is not there; ` +
        `put the bundle there or correct portico.bundle in ${file}`,
    );
  });

  it('refuses a folder with too many files, and says the limit', async () => {
    await mkdir(join(apps, 'shop'));
    for (let index = 0; index < 60; index++) await writeFile(join(apps, `shop/${index}`), '');
    const [shop] = await candidates();
    expect(shop?.sources[0]?.problem).toContain('more than 50 files');
  });

  it('never opens a pipe that is called like an archive', async () => {
    execFileSync('mkfifo', [join(apps, 'shop.tgz')]);
    const scan = await scanner.scan();
    expect(scan).toMatchObject({ kind: 'listed', candidates: [], refused: [{ entry: 'shop.tgz' }] });
  });

  it('looks into an archive and a descriptor once for each change', async () => {
    await writeFile(join(apps, 'shop.tgz'), 'x');
    await candidates();
    await candidates();
    expect(asked).toHaveLength(1);
    await writeFile(join(apps, 'shop.tgz'), 'xy');
    await candidates();
    expect(asked).toHaveLength(2);
  });

  it('takes context and bundle from the descriptor, relative to the drop folder', async () => {
    await mkdir(join(apps, 'other'));
    const text = 'portico: { bundle: other, servlet: { context: /store/front } }\n';
    await writeFile(join(apps, 'shop##3.yaml'), text);
    const shop = (await candidates()).find(({ name }) => name === 'shop##3');
    expect(shop?.sources[0]?.path).toBe(join(apps, 'other'));
    expect(shop?.context).toMatchObject({ contextPath: '/store/front', version: '3' });
  });

  it.each([
    ['no YAML', 'portico: [\n'],
    ['an alias bomb', 'a: &a [1,1,1,1,1,1,1,1,1]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nportico: *b\n'],
    ['a wrong context', 'portico: { servlet: { context: "/../x" } }\n'],
    ['too large', `# ${'x'.repeat(5 * 1024 * 1024)}\n`],
  ])('keeps an application whose descriptor is %s, with the problem', async (_, text) => {
    await writeFile(join(apps, 'shop.yaml'), text);
    const [shop] = await candidates();
    expect(shop?.name).toBe('shop');
    expect(shop?.sources[0]?.problem ?? shop?.descriptor?.problem).toMatch(/shop\.yaml|context/);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('lists names in any letters and refuses what could be misread', async () => {
    for (const name of ['größe', '商店', 'a\u202Eb', '%2e%2e', 'x'.repeat(200), 'CON', 'foo##1##2', '#']) {
      await mkdir(join(apps, name));
    }
    const scan = await scanner.scan();
    if (scan.kind !== 'listed') throw new Error(scan.reason);
    expect(scan.candidates.map(({ name }) => name)).toEqual(['größe', '商店']);
    expect(scan.refused.map(({ code }) => code)).toEqual(
      Array(scan.refused.length).fill('PORTICO_NAME_INVALID'),
    );
    expect(scan.refused.length).toBeGreaterThanOrEqual(5);
  });

  it('goes on when entries come and go while it looks', async () => {
    for (let index = 0; index < 40; index++) await mkdir(join(apps, `app${index}/deep`), { recursive: true });
    const scanning = scanner.scan();
    await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        rm(join(apps, `app${index}`), { recursive: true, force: true }),
      ),
    );
    expect((await scanning).kind).toBe('listed');
    expect(await candidates()).toEqual([]);
  });

  it('says that a folder cannot be listed', async () => {
    await rm(apps, { recursive: true });
    expect(await scanner.scan()).toMatchObject({
      kind: 'unreadable',
      reason: expect.stringContaining('ENOENT'),
    });
    await writeFile(apps, 'a file');
    expect(await scanner.scan()).toMatchObject({
      kind: 'unreadable',
      reason: expect.stringContaining('ENOTDIR'),
    });
  });
});
