import { readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Journal } from '#host/deployer/history/journal.js';
import { removeBundle } from '#host/deployer/scan/remove-bundle.js';
import { PorticoError } from '#host/errors.js';
import { settled, until, Workbench } from '#test/support/deployer/workbench.js';

// Above the deadline of `until`, which says what it waited for.
jest.setTimeout(120_000);

const SERVER = 'module.exports = (req, res) => res.end("hello");\n';

describe('after an end in the middle of things', () => {
  let bench: Workbench;
  beforeEach(async () => {
    bench = await Workbench.make();
  });
  afterEach(() => bench.close());

  it('the next start follows from the files alone: the new version is there, or the old, never none', async () => {
    await bench.put({ 'shop/server.js': SERVER });
    await bench.open();
    await bench.put({ 'shop/server.js': `${SERVER}// new\n`, 'shop/behaviour': 'hangs' });
    await until(() => bench.launcher.launched.length === 2);
    await bench.kill();
    await bench.put({ 'shop/behaviour': '' });
    await bench.open();
    expect(bench.deployer.list()).toMatchObject([{ name: 'shop', state: 'running' }]);
    expect(bench.launcher.alive).toHaveLength(1);
  });

  it('the work folder may be deleted', async () => {
    await bench.put({ 'shop/server.js': SERVER });
    await bench.open();
    await bench.kill();
    await rm(bench.work, { recursive: true });
    await bench.open();
    expect(bench.status('shop')?.state).toBe('running');
  });

  it('what was deleted or replaced meanwhile is found', async () => {
    await bench.put({ 'shop/server.js': SERVER, 'blog/server.js': SERVER });
    await bench.open();
    const before = bench.status('shop')?.fingerprint;
    await bench.kill();
    bench.remove('blog');
    await bench.put({ 'shop/server.js': `${SERVER}// new\n` });
    await bench.open();
    expect(bench.deployer.list().map(({ name }) => name)).toEqual(['shop']);
    expect(bench.status('shop')?.fingerprint).not.toBe(before);
  });

  it('an undeployed application whose files cannot be deleted stays undeployed', async () => {
    await bench.close();
    const removeBundle = async () => {
      throw new PorticoError('PORTICO_NOT_REMOVABLE', 'EBUSY: resource busy or locked');
    };
    bench = await Workbench.make({ removeBundle });
    await bench.put({ 'shop/server.js': SERVER, 'blog/server.js': SERVER });
    await bench.open();
    await expect(bench.deployer.undeploy('shop')).rejects.toMatchObject({ code: 'PORTICO_NOT_REMOVABLE' });
    await settled(bench, 300);
    expect(bench.routes.answer('/shop')).toBe('none');
    await bench.kill();
    await bench.open();
    await settled(bench, 300);
    expect(bench.status('shop')).toBeUndefined();
    expect(bench.routes.answer('/blog')).toBe('process');
    await bench.put({ 'shop/server.js': `${SERVER}// new\n` });
    await until(() => bench.status('shop')?.state === 'running');
  });
});

describe('removeBundle', () => {
  it('deletes all of a name and nothing else, and of links the link only', async () => {
    const bench = await Workbench.make();
    await bench.put({
      'shop.tgz': '',
      'shop.YAML': '',
      'shop.ready': '',
      'shop##2/x': '',
      'shop.md': '',
      'shopping/x': '',
    });
    await writeFile(join(bench.work, 'kept'), '');
    await symlink(bench.work, join(bench.apps, 'shop'));
    await removeBundle(bench.apps, 'shop');
    expect((await readdir(bench.apps)).sort()).toEqual(['shop##2', 'shop.md', 'shopping']);
    expect(await readdir(bench.work)).toEqual(['kept']);
    await bench.close();
  });
});

describe('Journal', () => {
  it('gives back what was saved, and says once that it cannot be written', async () => {
    const bench = await Workbench.make();
    const lines: string[] = [];
    const note = (_: object, message: string) => void lines.push(message);
    const log = { info: note, warn: note, error: note };
    const journal = await Journal.open(bench.work, log);
    journal.held.add('shop');
    journal.holders.set('/shop##', '__proto__');
    journal.buried.set('old', 'x=1;');
    await journal.save();
    const again = await Journal.open(bench.work, log);
    expect([again.held, again.holders, again.buried]).toEqual([
      journal.held,
      journal.holders,
      journal.buried,
    ]);
    again.forget('__proto__');
    expect(again.holders.size).toBe(0);
    expect(lines).toEqual([]);
    await rm(bench.work, { recursive: true });
    await writeFile(bench.work, 'a file where the folder should be');
    await again.save();
    again.held.clear();
    await again.save();
    expect(lines).toHaveLength(1);
    expect(await readFile(bench.work, 'utf8')).toContain('a file');
    await bench.close();
  });
});
