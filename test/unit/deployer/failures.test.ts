import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { settled, until, Workbench } from '#test/support/deployer/workbench.js';

// Above the deadline of `until`, which says what it waited for.
jest.setTimeout(120_000);

const SERVER = 'module.exports = (req, res) => res.end("hello");\n';

describe('a version that cannot be deployed', () => {
  let bench: Workbench;
  beforeEach(async () => {
    bench = await Workbench.make();
  });
  afterEach(() => bench.close());

  it('leaves the old one serving, is reported with step, cause and place, and is not tried again', async () => {
    await bench.put({ 'shop/server.js': SERVER });
    await bench.open();
    const serving = bench.routes.deploymentOf('/shop');
    await bench.put({ 'shop/behaviour': 'fails there is no price' });
    await until(() => bench.status('shop')?.pendingFailure !== undefined);
    expect(bench.status('shop')).toMatchObject({
      state: 'running',
      pendingFailure: 'load: there is no price (server.js:7)',
      lastOutput: ['about to fail'],
    });
    await settled(bench);
    expect(bench.routes.deploymentOf('/shop')).toBe(serving);
    expect(bench.launcher.launched).toHaveLength(2);
    expect(bench.events('failed')).toEqual(['shop']);
    await bench.put({ 'shop/behaviour': '' });
    await until(() => bench.status('shop')?.pendingFailure === undefined);
    expect(bench.routes.deploymentOf('/shop')).not.toBe(serving);
  });

  it('keeps its path when it is the first one: 503 with the reason, never the root application', async () => {
    await bench.put({ 'ROOT/server.js': SERVER, 'shop/server.js': SERVER, 'shop/behaviour': 'fails badly' });
    await bench.open();
    expect(bench.status('shop')).toMatchObject({ state: 'failed', reason: 'load: badly (server.js:7)' });
    expect(bench.routes.routes.get('/shop')?.target).toEqual({
      kind: 'unavailable',
      state: 'failed',
      reason: 'The application does not work at the moment.',
      retryAfterSeconds: 60,
    });
    await bench.put({ 'shop/behaviour': '' });
    await until(() => bench.routes.answer('/shop') === 'process');
  });

  it('is not tried again when it is only touched, but by a marker', async () => {
    await bench.put({ 'shop/server.js': SERVER, 'shop/behaviour': 'fails x' });
    await bench.open();
    await bench.put({ 'shop/behaviour': 'fails x' });
    await settled(bench);
    expect(bench.launcher.launched).toHaveLength(1);
    await bench.put({ 'shop.ready': '' });
    await until(() => bench.launcher.launched.length >= 2);
  });

  it('says what is wrong with a descriptor, and keeps what runs', async () => {
    await bench.put({ 'shop/server.js': SERVER });
    await bench.open();
    await bench.put({ 'shop.yaml': 'portico: { servlet: { instances: many } }\n' });
    await until(() => bench.status('shop')?.pendingFailure !== undefined);
    expect(bench.status('shop')?.pendingFailure).toMatch(/^manifest: .*shop\.yaml:1:/);
    expect(bench.routes.answer('/shop')).toBe('process');
    await bench.put({ 'shop.yaml': 'portico: { servlet: { context: "/../x" } }\n' });
    await until(() => bench.status('shop')?.pendingFailure?.includes('/../x') === true);
    expect(bench.routes.answer('/shop')).toBe('process');
    await bench.put({ 'shop.yaml': 'portico: { servlet: { instances: 1 } }\n' });
    await until(() => bench.status('shop')?.pendingFailure === undefined);
  });

  it('may be an archive that is cut off: it is refused in the end, and corrected', async () => {
    await bench.put({ 'shop/server.js': SERVER });
    await bench.open();
    const whole = gzipSync(tarOf('server.js', SERVER.replace('hello', 'archive')));
    await bench.put({ 'shop.tgz': whole.subarray(0, whole.length - 9) });
    await until(() => bench.status('shop')?.pendingFailure?.startsWith('unpack: ') === true);
    expect(bench.status('shop')?.state).toBe('running');
    expect(bench.launcher.launched).toHaveLength(1);
    await bench.put({ 'shop.tgz': whole });
    await until(
      () => bench.status('shop')?.pendingFailure === undefined && bench.launcher.launched.length === 2,
    );
    expect(bench.status('shop')?.bundle).toMatch(/shop\.tgz$/);
  });

  it('does not hold up the others', async () => {
    await bench.put({ 'slow/server.js': SERVER, 'slow/behaviour': 'hangs', 'shop/server.js': SERVER });
    const opening = bench.open();
    await until(() => bench.routes.answer('/shop') === 'process');
    await until(() => bench.routes.answer('/slow') === 'starting');
    await bench.deployer.stop('slow');
    await opening;
  });

  it('gives way to newer content while it is being started, and the path goes on', async () => {
    await bench.put({ 'shop/server.js': SERVER });
    await bench.open();
    await bench.put({ 'shop/server.js': `${SERVER}// slow\n`, 'shop/behaviour': 'hangs' });
    await until(() => bench.launcher.launched.length === 2);
    const seen = bench.routes.history.length;
    await bench.put({ 'shop/server.js': `${SERVER}// mended\n`, 'shop/behaviour': '' });
    const [, slow] = bench.launcher.launched;
    await until(() => bench.routes.deploymentOf('/shop') === bench.launcher.launched[2]?.deployment);
    expect(slow?.isStopped).toBe(true);
    expect(bench.routes.history.slice(seen).map(({ target }) => target?.kind)).toEqual(['process']);
    expect(bench.status('shop')).toMatchObject({ state: 'running', pendingFailure: undefined });
    const causes = bench.deployer.deployments('shop')?.map(({ cause }) => cause);
    expect(causes).toContain('newer content of shop has come');
  });

  it('does not give its path up for newer content, nor the place in it to an older version', async () => {
    await bench.put({ 'shop##2/server.js': SERVER, 'shop##2/behaviour': 'hangs' });
    const opening = bench.open();
    await until(() => bench.launcher.launched.length === 1);
    await bench.put({ 'shop##1/server.js': SERVER, 'shop##2/behaviour': '' });
    await opening;
    await until(() => bench.routes.answer('/shop') === 'process');
    expect(bench.launcher.launched.map(({ spec }) => spec.version)).toEqual(['2', '2']);
    expect(bench.routes.history.map(({ target }) => target)).toEqual([
      expect.objectContaining({ kind: 'unavailable', state: 'starting' }),
      expect.objectContaining({ kind: 'process' }),
    ]);
  });

  it('is started again when what is newer cannot be read, or is the same', async () => {
    await bench.put({ 'shop/server.js': SERVER, 'shop/behaviour': 'hangs' });
    const opening = bench.open();
    const launched = bench.launcher.launched;
    await until(() => launched.length === 1);
    await utimes(join(bench.apps, 'shop/server.js'), new Date(1e12), new Date(2e12));
    await until(() => launched.length === 2);
    await bench.put({ 'shop.yaml': 'portico: { servlet: { instances: many } }\n' });
    await until(() => launched.length === 3);
    expect(launched.map(({ isStopped }) => isStopped)).toEqual([true, true, false]);
    expect(bench.status('shop')).toMatchObject({
      state: 'starting',
      pendingFailure: expect.stringContaining('instances'),
    });
    await bench.deployer.stop('shop');
    await opening;
    expect(bench.launcher.alive).toEqual([]);
  });

  it('may vanish while it is being started', async () => {
    await bench.put({ 'shop/server.js': SERVER, 'shop/behaviour': 'hangs', 'blog/server.js': SERVER });
    const opening = bench.open();
    await until(() => bench.launcher.alive.length === 2);
    bench.remove('shop');
    // Its start, which would take a minute, is given up.
    await opening;
    await until(() => bench.routes.answer('/shop') === 'none');
    expect(bench.status('shop')).toBeUndefined();
    expect(bench.launcher.alive).toHaveLength(1);
    expect(bench.routes.answer('/blog')).toBe('process');
  });
});

describe('an application that crashes', () => {
  let bench: Workbench;
  beforeEach(async () => {
    bench = await Workbench.make();
    await bench.put({ 'shop/server.js': SERVER });
    await bench.open();
  });
  afterEach(() => bench.close());

  it('answers 503 with the time of the next try while no instance is left, then serves again', async () => {
    const [process] = bench.launcher.running;
    if (process === undefined) throw new Error('nothing runs');
    process.addressCount = 0;
    process.tell({ kind: 'restarting', instance: process.instance, reason: 'exit 1', retryInMs: 3000 });
    await until(() => bench.routes.answer('/shop') === 'restarting');
    expect(bench.routes.routes.get('/shop')?.target).toMatchObject({ retryAfterSeconds: 3 });
    expect(bench.status('shop')).toMatchObject({ state: 'restarting', reason: 'exit 1' });
    process.addressCount = 1;
    process.tell({ kind: 'addresses' });
    await until(() => bench.routes.answer('/shop') === 'process');
    expect(bench.status('shop')?.state).toBe('running');
  });

  it('is failed when it is given up, and comes back by hand', async () => {
    const [process] = bench.launcher.running;
    if (process === undefined) throw new Error('nothing runs');
    process.addressCount = 0;
    process.tell({ kind: 'failed', reason: '5 crashes in 60 s' });
    await until(() => bench.routes.answer('/shop') === 'failed' && process.isStopped);
    expect(bench.status('shop')).toMatchObject({
      state: 'failed',
      reason: 'run: 5 crashes in 60 s',
      lastOutput: ['output of shop'],
    });
    await settled(bench, 300);
    expect(bench.launcher.launched).toHaveLength(1);
    await bench.deployer.start('shop');
    expect(bench.routes.answer('/shop')).toBe('process');
  });

  it('is asked about an instance a front has lost', async () => {
    const [process] = bench.launcher.running;
    bench.routes.lose(process?.instance ?? '');
    bench.routes.lose('other/1#1');
    expect(process?.suspected).toEqual([process?.instance]);
  });
});

it('tries once more after a time what was given up, and again when that fails', async () => {
  const bench = await Workbench.make();
  try {
    const descriptor = 'portico: { servlet: { restart: { retryAfter: 100ms } } }\n';
    await bench.put({ 'shop/server.js': SERVER, 'shop.yaml': descriptor });
    await bench.open();
    for (const launches of [1, 2]) {
      await until(() => bench.routes.answer('/shop') === 'process');
      expect(bench.launcher.launched).toHaveLength(launches);
      const process = bench.launcher.launched.at(-1);
      if (process === undefined) throw new Error('nothing runs');
      process.addressCount = 0;
      process.tell({ kind: 'failed', reason: 'it crashed' });
      await until(() => bench.launcher.launched.length === launches + 1);
      expect(bench.launcher.launched.at(-1)?.spec.isTrial).toBe(true);
    }
    expect(bench.events('half-open')).toEqual(['shop', 'shop']);
  } finally {
    await bench.close();
  }
});

/** A tar with one file, as small as it can be. */
function tarOf(name: string, content: string): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        0', 148);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  body.write(content);
  return Buffer.concat([header, body, Buffer.alloc(1024)]);
}
