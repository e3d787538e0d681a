import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { settled, until, Workbench } from '#test/support/deployer/workbench.js';

// Above the deadline of `until`, which says what it waited for.
jest.setTimeout(120_000);

const SERVER = 'module.exports = (req, res) => res.end("hello");\n';

describe('commands of an operator', () => {
  let bench: Workbench;
  beforeEach(async () => {
    bench = await Workbench.make();
    await bench.put({ 'shop/server.js': SERVER, 'blog/server.js': SERVER });
    await bench.open();
  });
  afterEach(() => bench.close());

  it('stop drains and keeps the path; the application stays stopped over changes and restarts', async () => {
    expect(await bench.deployer.stop('shop')).toMatchObject({
      state: 'stopped',
      reason: 'stopped by an operator',
    });
    expect(bench.routes.answer('/shop')).toBe('stopped');
    await bench.put({ 'shop/server.js': `${SERVER}// new\n` });
    await settled(bench);
    expect(bench.routes.answer('/shop')).toBe('stopped');
    await bench.kill();
    await bench.open();
    expect(bench.status('shop')?.state).toBe('stopped');
    expect(bench.launcher.launched.map(({ spec }) => spec.application)).toEqual(['blog']);
    expect(await bench.deployer.start('shop')).toMatchObject({ state: 'running' });
    await bench.kill();
    await bench.open();
    expect(bench.status('shop')?.state).toBe('running');
  });

  it('start and stop of what is so already do nothing', async () => {
    expect(await bench.deployer.start('shop')).toMatchObject({ state: 'running' });
    await bench.deployer.stop('shop');
    expect(await bench.deployer.stop('shop')).toMatchObject({ state: 'stopped' });
    expect(bench.launcher.launched).toHaveLength(2);
  });

  it('reload starts new processes beside the old ones, without a gap', async () => {
    const before = bench.routes.deploymentOf('/shop');
    const from = bench.routes.history.length;
    expect(await bench.deployer.reload('shop')).toMatchObject({ state: 'running' });
    expect(bench.routes.deploymentOf('/shop')).not.toBe(before);
    expect(bench.routes.history.slice(from).map(({ target }) => target?.kind)).toEqual(['process']);
    await until(() => bench.launcher.running.length === 2);
  });

  it('reload of content that fails rejects with the cause and leaves the old one serving', async () => {
    await bench.deployer.stop('blog');
    await bench.put({ 'shop/behaviour': 'fails no' });
    await until(() => bench.status('shop')?.pendingFailure !== undefined);
    await expect(bench.deployer.reload('shop')).rejects.toMatchObject({
      code: 'PORTICO_START_FAILED',
      message: expect.stringContaining('load: no'),
    });
    expect(bench.routes.answer('/shop')).toBe('process');
  });

  it('reload of a stopped application starts it', async () => {
    await bench.deployer.stop('shop');
    expect(await bench.deployer.reload('shop')).toMatchObject({ state: 'running' });
  });

  it('undeploy drains, stops and deletes bundle, descriptor and marker', async () => {
    await bench.put({ 'shop.yaml': 'portico: {}\n' });
    await settled(bench, 300);
    await bench.deployer.undeploy('shop');
    expect(await readdir(bench.apps)).toEqual(['blog']);
    expect(bench.routes.answer('/shop')).toBe('none');
    expect(bench.status('shop')).toBeUndefined();
    await settled(bench, 300);
    expect(bench.launcher.running.map(({ spec }) => spec.application)).toEqual(['blog']);
    await bench.put({ 'shop/server.js': SERVER });
    await until(() => bench.routes.answer('/shop') === 'process');
  });

  it('refuses what it does not know, and a second command at the same time', async () => {
    await expect(bench.deployer.start('nosuch')).rejects.toMatchObject({
      code: 'PORTICO_APPLICATION_UNKNOWN',
    });
    const first = bench.deployer.reload('shop');
    await expect(bench.deployer.reload('shop')).rejects.toMatchObject({ code: 'PORTICO_APPLICATION_BUSY' });
    await expect(bench.deployer.reload('blog')).resolves.toMatchObject({ state: 'running' });
    await first;
  });

  it('stop during a start ends stopped and leaves no process', async () => {
    await bench.put({ 'slow/server.js': SERVER, 'slow/behaviour': 'hangs' });
    await until(() => bench.launcher.launched.some(({ spec }) => spec.application === 'slow'));
    expect(await bench.deployer.stop('slow')).toMatchObject({ state: 'stopped' });
    expect(bench.launcher.alive.map(({ spec }) => spec.application).sort()).toEqual(['blog', 'shop']);
    const starting = bench.deployer.start('slow');
    starting.catch(() => undefined);
    await until(() => bench.status('slow')?.state === 'starting');
    await bench.deployer.undeploy('slow');
    await expect(starting).rejects.toMatchObject({ code: 'PORTICO_START_FAILED' });
    expect(bench.status('slow')).toBeUndefined();
  });

  it('an application that is lazy starts with the first request', async () => {
    await bench.put({
      'lazy/server.js': SERVER,
      'lazy.yaml': 'portico: { servlet: { start: { when: lazy } } }\n',
    });
    await until(() => bench.routes.answer('/lazy') === 'lazy');
    expect(bench.status('lazy')).toMatchObject({ state: 'stopped' });
    bench.routes.want('/lazy');
    bench.routes.want('/lazy');
    await until(() => bench.routes.answer('/lazy') === 'process');
    expect(bench.launcher.launched.filter(({ spec }) => spec.application === 'lazy')).toHaveLength(1);
    await bench.put({ 'lazy/server.js': `${SERVER}// new\n` });
    await until(() => bench.launcher.launched.length === 4);
    await until(() => bench.routes.deploymentOf('/lazy') === bench.launcher.launched[3]?.deployment);
  });

  it('an application that is manual waits for a start by hand', async () => {
    await bench.put({
      'm/server.js': SERVER,
      'm.yaml': 'portico: { servlet: { start: { when: manual } } }\n',
    });
    await until(() => bench.routes.answer('/m') === 'stopped');
    expect(bench.status('m')?.reason).toBe('it waits for a start by hand');
    bench.routes.want('/m');
    expect(await bench.deployer.start('m')).toMatchObject({ state: 'running' });
  });

  it('tells listeners of changes', async () => {
    const names: string[] = [];
    const end = bench.deployer.onChange((name) => names.push(name));
    await bench.deployer.stop('shop');
    expect(new Set(names)).toEqual(new Set(['shop']));
    end();
    await bench.deployer.start('shop');
    expect(names.at(-1)).toBe('shop');
  });
});
