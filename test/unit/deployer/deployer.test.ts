import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { settled, until, Workbench } from '#test/support/deployer/workbench.js';

// Above the deadline of `until`, which says what it waited for.
jest.setTimeout(120_000);

const SERVER = 'module.exports = (req, res) => res.end("hello");\n';

describe('Deployer', () => {
  let bench: Workbench;
  beforeEach(async () => {
    bench = await Workbench.make();
  });
  afterEach(() => bench.close());

  it('has everything running that lies in the drop folder when it is open', async () => {
    await bench.put({
      'shop/server.js': SERVER,
      'docs/index.html': '<h1>docs</h1>',
      'ROOT/server.js': SERVER,
    });
    await bench.open();
    expect(bench.deployer.list().map(({ name, path, state, kind }) => [name, path, state, kind])).toEqual([
      ['ROOT', '/', 'running', 'server'],
      ['docs', '/docs', 'running', 'static'],
      ['shop', '/shop', 'running', 'server'],
    ]);
    expect(bench.routes.answer('')).toBe('process');
    expect(bench.routes.answer('/docs')).toBe('static');
    expect(bench.launcher.running).toHaveLength(2);
    expect(bench.deployer.find('/shop')?.name).toBe('shop');
    expect(bench.deployer.find('/')?.name).toBe('ROOT');
  });

  it('deploys what is dropped while it runs', async () => {
    await bench.open();
    expect(bench.deployer.list()).toEqual([]);
    await bench.put({ 'foo#bar##2/server.js': SERVER });
    await until(() => bench.routes.answer('/foo/bar') === 'process');
    expect(bench.status('foo#bar##2')).toMatchObject({ version: '2', path: '/foo/bar', state: 'running' });
  });

  it('takes a bundle with a marker at once and deletes the marker', async () => {
    await bench.close();
    bench = await Workbench.make({ stabilityWindowMs: 60_000, scanIntervalMs: 50 });
    await bench.open();
    await bench.put({ 'shop/server.js': SERVER });
    await bench.put({ 'shop.ready': '' });
    await until(() => bench.routes.answer('/shop') === 'process');
    expect(await readdir(bench.apps)).toEqual(['shop']);
  });

  it('starts the new version beside the old, swaps, drains, then stops the old', async () => {
    await bench.put({ 'shop/server.js': SERVER });
    await bench.open();
    const [old] = bench.launcher.running;
    bench.routes.inFlight.add(old?.deployment ?? '');
    await bench.put({ 'shop/server.js': `${SERVER}// new\n` });
    await until(() => bench.routes.deploymentOf('/shop') === bench.launcher.launched[1]?.deployment);
    expect(old?.isStopped).toBe(false);
    bench.routes.inFlight.clear();
    await until(() => old?.isStopped === true);
    expect(bench.routes.history.map(({ target }) => target?.kind)).toEqual([
      'unavailable',
      'process',
      'process',
    ]);
  });

  it('cuts what is still in flight after the drain time', async () => {
    await bench.put({
      'shop/server.js': SERVER,
      'shop.yaml': 'portico: { servlet: { drain: { timeout: 100ms } } }\n',
    });
    await bench.open();
    const [old] = bench.launcher.running;
    expect(old).toBeDefined();
    bench.routes.inFlight.add(old?.deployment ?? '');
    await bench.put({ 'shop/server.js': `${SERVER}// new\n` });
    await until(() => old?.isStopped === true);
    expect(bench.logged('PORTICO_DRAIN_INCOMPLETE')).toHaveLength(1);
  });

  it('does nothing when files are touched and their content stays', async () => {
    await bench.put({ 'shop/server.js': SERVER });
    await bench.open();
    await utimes(join(bench.apps, 'shop/server.js'), new Date(1e12), new Date(2e12));
    await settled(bench);
    expect(bench.launcher.launched).toHaveLength(1);
    expect(bench.lines.some(({ message }) => message.includes('nothing to do'))).toBe(true);
  });

  it('notices a file that was replaced by an older one', async () => {
    await bench.put({ 'shop/server.js': SERVER });
    await bench.open();
    const path = join(bench.apps, 'shop/server.js');
    const older = join(bench.base, 'older.js');
    await writeFile(older, SERVER.replace('hello', 'howdy'));
    await utimes(older, new Date(1e12), new Date(1e12));
    await rename(older, path);
    await until(() => bench.launcher.running.length === 1 && bench.launcher.launched.length === 2);
  });

  it('notices at once a folder that takes the place of another one by renaming', async () => {
    await bench.close();
    bench = await Workbench.make({ scanIntervalMs: 600_000 });
    await bench.put({ 'shop/server.js': SERVER });
    await bench.open();
    const serving = bench.routes.deploymentOf('/shop');
    const isNew = () => ![undefined, serving].includes(bench.routes.deploymentOf('/shop'));
    // Once more, should the first one have come before the folder was watched.
    for (let tries = 1; !isNew() && tries < 20; tries++) {
      await bench.put({ 'shop/server.js': `${SERVER}// ${tries}\n` });
      await until(isNew, 3000).catch(() => undefined);
    }
    expect(isNew()).toBe(true);
  });

  it('undeploys what is removed, and takes its path out of the mapping at the end', async () => {
    await bench.put({ 'shop/server.js': SERVER, 'blog/server.js': SERVER });
    await bench.open();
    bench.remove('shop');
    await until(() => bench.routes.answer('/shop') === 'none');
    expect(bench.status('shop')).toBeUndefined();
    expect(bench.launcher.running.map(({ spec }) => spec.application)).toEqual(['blog']);
    const states = bench.routes.history
      .filter(({ context }) => context === '/shop')
      .map(({ target }) => target);
    expect(states.at(-2)).toMatchObject({ kind: 'unavailable', state: 'removing' });
  });

  it('lets an operator delete the last application', async () => {
    await bench.put({ 'shop/server.js': SERVER });
    await bench.open();
    bench.remove('shop');
    await until(() => bench.routes.answer('/shop') === 'none');
  });

  it('undeploys nothing when the drop folder is gone, or another one and empty', async () => {
    await bench.put({ 'shop/server.js': SERVER });
    await bench.open();
    await rename(bench.apps, `${bench.apps}-away`);
    await settled(bench);
    expect(bench.routes.answer('/shop')).toBe('process');
    await mkdir(bench.apps);
    await settled(bench);
    expect(bench.routes.answer('/shop')).toBe('process');
    // Takes the place of the empty folder in one step.
    await rename(`${bench.apps}-away`, bench.apps);
    await settled(bench, 200);
    expect(bench.launcher.launched).toHaveLength(1);
    expect(bench.logged('PORTICO_APPS_UNREADABLE')).toHaveLength(1);
    expect(bench.logged('PORTICO_APPS_SUSPICIOUS')).toHaveLength(1);
    expect(bench.events('recovered')).toHaveLength(1);
  });

  it('opens without a drop folder and takes what comes when it is there', async () => {
    await rm(bench.apps, { recursive: true });
    await bench.open();
    await bench.put({ 'shop/server.js': SERVER });
    await until(() => bench.routes.answer('/shop') === 'process');
  });

  it('reports a refused name once and lives', async () => {
    await bench.put({ 'foo##/server.js': SERVER, 'a b/server.js': SERVER, 'shop/server.js': SERVER });
    await mkdir(Buffer.concat([Buffer.from(`${bench.apps}/bad`), Buffer.from([0xff, 0xfe])]));
    await bench.open();
    await settled(bench, 300);
    expect(bench.deployer.list().map(({ name }) => name)).toEqual(['shop']);
    expect(bench.logged('PORTICO_NAME_INVALID')).toHaveLength(3);
  });

  it('refuses a second bundle for a path, says so in the list, and gives it the path when it is free', async () => {
    await bench.put({ 'shop/server.js': SERVER });
    await bench.open();
    await bench.put({ 'a/server.js': SERVER, 'a.yaml': 'portico: { servlet: { context: /shop } }\n' });
    await until(() => bench.status('a')?.state === 'failed');
    expect(bench.status('a')?.reason).toContain('held by shop');
    expect(bench.deployer.find('/shop')?.name).toBe('shop');
    await bench.kill();
    await bench.open();
    expect(bench.deployer.find('/shop')?.name).toBe('shop');
    bench.remove('shop');
    await until(() => bench.deployer.find('/shop')?.name === 'a' && bench.status('a')?.state === 'running');
  });

  it('moves an application when its descriptor gives it another path', async () => {
    await bench.put({ 'shop/server.js': SERVER });
    await bench.open();
    await bench.put({ 'shop.yaml': 'portico: { servlet: { context: /store } }\n' });
    await until(() => bench.routes.answer('/store') === 'process' && bench.routes.answer('/shop') === 'none');
    expect(bench.launcher.running).toHaveLength(1);
    await bench.put({
      'shop.yaml': 'portico: { servlet: { context: /mall } }\n',
      'shop/behaviour': 'fails no',
    });
    await until(() => bench.status('shop')?.pendingFailure !== undefined);
    expect(bench.status('shop')).toMatchObject({ path: '/store', state: 'running' });
    expect(bench.status('shop')?.pendingFailure).toContain('/mall');
    await until(() => bench.routes.answer('/mall') === 'none');
    expect(bench.routes.answer('/store')).toBe('process');
  });

  it('deploys a bundle that lies elsewhere, and a descriptor that names an upstream', async () => {
    await mkdir(join(bench.base, 'releases'));
    await writeFile(join(bench.base, 'releases/server.js'), SERVER);
    await bench.put({
      'shop.yaml': 'portico: { bundle: ../releases }\n',
      'old.yaml': 'portico: { application: { upstream: "http://127.0.0.1:9000" } }\n',
    });
    await bench.open();
    expect(bench.routes.answer('/shop')).toBe('process');
    expect(bench.routes.answer('/old')).toBe('upstream');
    await expect(bench.deployer.undeploy('shop')).rejects.toMatchObject({ code: 'PORTICO_NOT_REMOVABLE' });
    expect(bench.routes.answer('/shop')).toBe('process');
    await bench.deployer.undeploy('old');
    expect(bench.routes.answer('/old')).toBe('none');
  });

  it('runs the highest version, goes back when it is deleted, and does not start the lower one at a restart', async () => {
    await bench.put({ 'shop##2/server.js': SERVER, 'shop##10/server.js': `${SERVER}//10` });
    await bench.quiet();
    await bench.open();
    expect(bench.launcher.launched.map(({ spec }) => spec.version)).toEqual(['10']);
    expect(bench.status('shop##2')).toMatchObject({ state: 'stopped', reason: 'shop##10 serves /shop' });
    bench.remove('shop##10');
    await until(
      () => bench.routes.routes.get('/shop')?.version === '2' && bench.launcher.running.length === 1,
    );
    const answers = bench.routes.history.filter(({ context }) => context === '/shop').slice(1);
    expect(answers.every(({ target }) => target?.kind === 'process')).toBe(true);
  });

  it('lets a lower version take over when an operator stops the highest, or it crashes too often', async () => {
    await bench.put({
      'shop##1/server.js': SERVER,
      'shop##2/server.js': SERVER,
      'shop##3/server.js': SERVER,
    });
    await bench.quiet();
    await bench.open();
    await bench.deployer.stop('shop##3');
    expect(bench.routes.routes.get('/shop')).toMatchObject({ version: '2', target: { kind: 'process' } });
    const [process] = bench.launcher.running;
    process?.tell({ kind: 'failed', reason: 'crashed 5 times' });
    await until(() => bench.routes.routes.get('/shop')?.version === '1');
    expect(bench.deployer.list().map(({ name, state }) => `${name} ${state}`)).toEqual([
      'shop##1 running',
      'shop##2 failed',
      'shop##3 stopped',
    ]);
  });

  it('falls back to a lower version when the highest does not start', async () => {
    await bench.put({
      'shop##1/server.js': SERVER,
      'shop##2/server.js': SERVER,
      'shop##2/behaviour': 'fails x',
    });
    await bench.open();
    expect(bench.routes.routes.get('/shop')).toMatchObject({ version: '1', target: { kind: 'process' } });
    expect(bench.status('shop##2')?.state).toBe('failed');
  });

  it('deploys 200 bundles with few starts at a time', async () => {
    const files: Record<string, string> = {};
    for (let index = 0; index < 200; index++) files[`app${index}/server.js`] = `${SERVER}// ${index}\n`;
    await bench.put(files);
    await bench.open();
    expect(bench.launcher.running).toHaveLength(200);
    expect(bench.launcher.mostStarting).toBeLessThanOrEqual(4);
    expect([...bench.routes.routes.values()].every(({ target }) => target.kind === 'process')).toBe(true);
  });

  it('publishes nothing about other applications', async () => {
    await bench.put({ 'shop/server.js': SERVER, 'blog/server.js': SERVER });
    await bench.open();
    const before = bench.routes.history.length;
    await bench.put({ 'shop/server.js': `${SERVER}// new\n` });
    await until(() => bench.launcher.launched.length === 3 && bench.launcher.running.length === 2);
    expect(bench.routes.history.slice(before).every(({ context }) => context === '/shop')).toBe(true);
  });

  it('keeps nothing in the store that is not in use', async () => {
    await bench.put({ 'shop/server.js': SERVER });
    await bench.open();
    await bench.put({ 'shop/server.js': `${SERVER}// new\n` });
    await until(() => bench.launcher.launched.length === 2 && bench.launcher.launched[0]?.isStopped === true);
    const folder = join(bench.work, 'store');
    const inUse = bench.status('shop')?.fingerprint ?? '';
    const bundles = async () => (await readdir(folder)).filter((name) => /^[0-9a-f]{64}$/.test(name));
    for (let tries = 0; (await bundles()).length > 1 && tries < 500; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(await bundles()).toEqual([inUse]);
  });

  it('stops everything at the end', async () => {
    await bench.put({ 'shop/server.js': SERVER, 'slow/server.js': SERVER, 'slow/behaviour': 'hangs' });
    const opening = bench.open();
    await until(() => bench.launcher.alive.length === 2 && bench.routes.answer('/shop') === 'process');
    await bench.deployer.close(2000);
    await opening;
    expect(bench.launcher.alive).toEqual([]);
    expect(bench.routes.answer('/shop')).toBe('draining');
  });

  it('publishes the changes of many applications together', async () => {
    const files: Record<string, string> = {};
    for (let index = 0; index < 50; index++) files[`static${index}/index.html`] = `${index}`;
    await bench.put(files);
    await bench.quiet();
    await bench.open();
    expect(bench.routes.routes.size).toBe(50);
    expect(bench.routes.publishes).toBeLessThan(100);
  });

  it('sets a broken journal aside and goes on', async () => {
    await writeFile(join(bench.work, 'deployer.json'), '{"format":1,');
    await bench.put({ 'shop/server.js': SERVER });
    await bench.open();
    expect(bench.routes.answer('/shop')).toBe('process');
    expect(bench.logged('PORTICO_JOURNAL_BROKEN')).toHaveLength(1);
    const names = await readdir(bench.work);
    expect(names.some((name) => name.startsWith('deployer.json.broken-'))).toBe(true);
    expect(JSON.parse(await readFile(join(bench.work, 'deployer.json'), 'utf8'))).toMatchObject({
      format: 1,
    });
    expect(existsSync(join(bench.work, 'deployer.json.draft'))).toBe(false);
  });
});
