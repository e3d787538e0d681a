import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { WorkingFolders } from '#host/supervisor/surroundings/working-folder.js';

let base: string;
let bundle: string;
let folders: WorkingFolders;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'portico-w-'));
  bundle = join(base, 'store/content');
  mkdirSync(join(bundle, 'views/deep'), { recursive: true });
  mkdirSync(join(bundle, 'node_modules/@acme/shop'), { recursive: true });
  mkdirSync(join(bundle, 'node_modules/express'), { recursive: true });
  writeFileSync(join(bundle, 'app.js'), 'the program');
  writeFileSync(join(bundle, 'run.sh'), '#!/bin/sh', { mode: 0o755 });
  writeFileSync(join(bundle, 'views/deep/page.html'), 'a page');
  writeFileSync(join(bundle, 'node_modules/express/index.js'), 'express');
  symlinkSync('views/deep/page.html', join(bundle, 'page'));
  symlinkSync('../views', join(bundle, 'node_modules/workspace'));
  folders = new WorkingFolders(base);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

describe('the working folder of a place', () => {
  it('is a private copy with links to the installed packages', async () => {
    const folder = folders.next(bundle);
    expect(existsSync(folder.path)).toBe(false);
    await folder.make(undefined);
    const of = (path: string): string => join(folder.path, path);
    expect(readFileSync(of('views/deep/page.html'), 'utf8')).toBe('a page');
    expect(lstatSync(of('views/deep/page.html')).isFile()).toBe(true);
    expect(statSync(of('run.sh')).mode & 0o111).not.toBe(0);
    expect(statSync(folder.path).mode & 0o777).toBe(0o700);
    expect(readFileSync(of('page'), 'utf8')).toBe('a page');
    expect(readlinkSync(of('node_modules/express'))).toBe(join(bundle, 'node_modules/express'));
    expect(readlinkSync(of('node_modules/@acme/shop'))).toBe(join(bundle, 'node_modules/@acme/shop'));
    expect(readlinkSync(of('node_modules/workspace'))).toBe('../views');
    expect(lstatSync(of('node_modules/@acme')).isDirectory()).toBe(true);
  });

  it('is nobody else’s: what is written into it is seen there only', async () => {
    const [one, two] = [folders.next(bundle), folders.next(bundle)];
    await Promise.all([one.make(undefined), two.make(undefined)]);
    writeFileSync(join(one.path, 'app.js'), 'changed');
    writeFileSync(join(one.path, 'page'), 'changed');
    writeFileSync(join(one.path, 'node_modules/.cache'), 'new');
    rmSync(join(one.path, 'node_modules/express'));
    for (const other of [two.path, bundle]) {
      expect(readFileSync(join(other, 'app.js'), 'utf8')).toBe('the program');
      expect(readFileSync(join(other, 'page'), 'utf8')).toBe('a page');
      expect(readdirSync(join(other, 'node_modules')).sort()).toEqual(['@acme', 'express', 'workspace']);
    }
  });

  it('stays for the next process of the place, and is made anew when it was deleted', async () => {
    const folder = folders.next(bundle);
    await folder.make(undefined);
    writeFileSync(join(folder.path, 'data'), 'kept');
    await folder.make(undefined);
    expect(readFileSync(join(folder.path, 'data'), 'utf8')).toBe('kept');
    rmSync(folder.path, { recursive: true });
    await folder.make(undefined);
    expect(readFileSync(join(folder.path, 'app.js'), 'utf8')).toBe('the program');
    expect(existsSync(join(folder.path, 'data'))).toBe(false);
  });

  it('leaves nothing when it cannot be made, and can be made later', async () => {
    const gone = join(base, 'store/gone');
    const folder = folders.next(gone);
    await expect(folder.make(undefined)).rejects.toThrow(/ENOENT/);
    expect(existsSync(folder.path)).toBe(false);
    mkdirSync(gone);
    await folder.make(undefined);
    expect(readdirSync(folder.path)).toEqual([]);
  });
});

it('removes what dead servers have left, and nothing of this one and of others that live', async () => {
  const places = join(base, 'places');
  const [dead, earlier, alive] = ['4194999-abcdef', `${process.pid}-abcdef`, `${process.ppid}-abcdef`];
  for (const name of [dead, earlier, alive]) mkdirSync(join(places, name, '1'), { recursive: true });
  const mine = folders.next(bundle);
  await mine.make(undefined);
  await folders.removeLeftovers();
  expect(readdirSync(places)).toHaveLength(2);
  expect(existsSync(join(places, alive))).toBe(true);
  expect(existsSync(mine.path)).toBe(true);
  await folders.remove();
  expect(readdirSync(places)).toEqual([alive]);
});
