import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { settled, until, Workbench } from '#test/support/deployer/workbench.js';

// Above the deadline of `until`, which says what it waited for.
jest.setTimeout(120_000);

const SERVER = 'module.exports = (req, res) => res.end("hello");\n';

describe('a bundle that cannot be read at its first appearance', () => {
  let bench: Workbench;
  beforeEach(async () => {
    bench = await Workbench.make();
    await bench.put({ 'ROOT/server.js': SERVER });
  });
  afterEach(() => bench.close());

  const failed = (path: string) => until(() => bench.routes.answer(path) === 'failed');

  it('fails and keeps its path when it is a link that leads nowhere, and serves when the link does', async () => {
    await symlink('../gone', join(bench.apps, 'shop'));
    await bench.open();
    await failed('/shop');
    expect(bench.status('shop')).toMatchObject({
      state: 'failed',
      reason: expect.stringMatching(/^read: .*shop is a link to \.\.\/gone, which is not there/),
      pendingFailure: undefined,
    });
    expect(bench.events('failed')).toEqual(['shop']);
    await mkdir(join(bench.base, 'gone'));
    await writeFile(join(bench.base, 'gone/server.js'), SERVER);
    await until(
      () => bench.routes.answer('/shop') === 'process' && bench.status('shop')?.state === 'running',
    );
  });

  it('gives its path back when the link is deleted, or undeployed', async () => {
    await bench.open();
    await symlink('../gone', join(bench.apps, 'shop'));
    await failed('/shop');
    bench.remove('shop');
    await until(() => bench.routes.answer('/shop') === 'none' && bench.status('shop') === undefined);
    await symlink('../gone', join(bench.apps, 'blog'));
    await failed('/blog');
    await bench.deployer.undeploy('blog');
    expect(bench.routes.answer('/blog')).toBe('none');
  });

  it('fails and follows its descriptor when that points to nowhere', async () => {
    await bench.open();
    await bench.put({ 'shop.yml': 'portico: { bundle: ../gone, servlet: { context: /store } }\n' });
    await failed('/store');
    expect(bench.status('shop')?.reason).toContain('correct portico.bundle in');
    await expect(bench.deployer.undeploy('shop')).rejects.toMatchObject({
      code: 'PORTICO_NOT_REMOVABLE',
      message: expect.stringContaining(`delete ${join(bench.apps, 'shop.yml')}`),
    });
    await expect(bench.deployer.start('shop')).rejects.toMatchObject({
      message: expect.stringContaining('is not there'),
    });
    await bench.put({ 'shop.yml': 'portico: { bundle: ../gone, servlet: { context: /mall } }\n' });
    await failed('/mall');
    await until(() => bench.routes.answer('/store') === 'none');
    await mkdir(join(bench.base, 'gone'));
    await writeFile(join(bench.base, 'gone/server.js'), SERVER);
    await until(() => bench.routes.answer('/mall') === 'process');
  });

  it('fails at the path of its name when its descriptor asks for none that can be', async () => {
    await bench.put({
      'shop/server.js': SERVER,
      'shop.yaml': 'portico: { servlet: { context: "/../x" } }\n',
    });
    await bench.open();
    await failed('/shop');
    expect(bench.status('shop')?.reason).toContain('/../x');
    expect(bench.launcher.launched.map(({ spec }) => spec.application)).toEqual(['ROOT']);
    await bench.put({ 'shop.yaml': 'portico: { servlet: { context: /x } }\n' });
    await until(() => bench.routes.answer('/x') === 'process' && bench.routes.answer('/shop') === 'none');
  });

  it('leaves the path to whoever has it, and to another version of the application', async () => {
    await bench.put({ 'shop/server.js': SERVER });
    await bench.open();
    const serving = bench.routes.deploymentOf('/shop');
    await bench.put({ 'a.yaml': 'portico: { bundle: ../gone, servlet: { context: /shop } }\n' });
    await symlink('../gone', join(bench.apps, 'shop##2'));
    await until(() => bench.status('shop##2')?.reason?.startsWith('read: ') === true);
    expect(bench.status('a')?.reason).toContain('held by shop');
    expect(bench.routes.deploymentOf('/shop')).toBe(serving);
  });

  it('stays stopped when an operator stopped it before, and is not started by being corrected', async () => {
    await bench.put({ 'shop/server.js': SERVER });
    await bench.open();
    await bench.deployer.stop('shop');
    await bench.kill();
    await rm(join(bench.apps, 'shop'), { recursive: true });
    await symlink('../gone', join(bench.apps, 'shop'));
    await bench.open();
    await until(() => bench.status('shop')?.pendingFailure?.startsWith('read: ') === true);
    expect(bench.routes.answer('/shop')).toBe('stopped');
    bench.remove('shop');
    await bench.put({ 'shop/server.js': SERVER });
    await until(() => bench.status('shop')?.pendingFailure === undefined);
    await settled(bench, 200);
    expect(bench.routes.answer('/shop')).toBe('stopped');
  });
});
