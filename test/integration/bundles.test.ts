import { appendFileSync, existsSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { filesOf, tgzOf, zipOf } from '#test/support/archives.js';
import { type BundleContent, TestHost } from '#test/support/host.js';
import { tgz, zip } from '#test/support/hostile-archives.js';
import { until } from '#test/support/polling.js';

const esm = (text: string, more: Readonly<Record<string, string>> = {}) => ({
  'package.json': '{ "type": "module", "main": "app.js" }',
  'app.js': text,
  ...more,
});
const cjs = (text: string) => ({ 'package.json': '{}', 'index.js': text });
const says = (answer: string) => esm(`export default (q, r) => r.end('${answer}');`);

/** One bundle of each shape that an unchanged application may have, and what it answers. */
const shapes: Readonly<Record<string, readonly [content: BundleContent, answer: string | RegExp]>> = {
  'esm-handler': [esm("export default (q, r) => r.end('ok ' + q.url);"), 'ok /x?y=1'],
  'cjs-handler': [cjs("module.exports = (q, r) => r.end('ok ' + q.url);"), 'ok /x?y=1'],
  'esm-promise': [esm("export default Promise.resolve((q, r) => r.end('ok'));"), 'ok'],
  'cjs-express': [
    cjs("const a = require('express')(); a.use((q, r) => r.send('ok')); a.listen(process.env.PORT || 3000);"),
    'ok',
  ],
  'esm-koa': [
    esm("import Koa from 'koa'; const a = new Koa(); a.use((c) => { c.body = 'ok'; }); export default a;"),
    'ok',
  ],
  'cjs-fastify': [
    cjs(
      "const a = require('fastify')(); a.get('/x', async () => 'ok'); a.listen({ port: 3000, host: '::' });",
    ),
    'ok',
  ],
  'esm-fetch': [esm("export default { fetch: () => new Response('ok') };"), 'ok'],
  'cjs-port-0': [
    cjs("const s = require('http').createServer((q, r) => r.end('ok ' + (s.address().port > 0))).listen(0);"),
    'ok true',
  ],
  'cjs-late': [
    cjs("setTimeout(() => require('http').createServer((q, r) => r.end('ok')).listen(3000), 700);"),
    'ok',
  ],
  'cjs-twice': [
    cjs(
      "const h = require('http'); for (const n of [1, 2]) h.createServer((q, r) => r.end('ok ' + n)).listen(3000 + n);",
    ),
    'ok 1',
  ],
  'exports-only': [
    { 'package.json': '{ "type": "module", "exports": "./lib/a.js" }', 'lib/a.js': says('ok')['app.js'] },
    'ok',
  ],
  'entry-is-a-folder': [
    { 'package.json': '{ "main": "lib" }', 'lib/index.js': "module.exports = (q, r) => r.end('ok');" },
    'ok',
  ],
  'speaks-to-a-parent': [
    cjs(
      "process.send?.('ready'); process.on('message', () => process.exit(9)); module.exports = (q, r) => r.end('ok');",
    ),
    'ok',
  ],
  'leaves-its-folder': [
    cjs("process.chdir('/'); module.exports = (q, r) => r.end('ok ' + process.cwd());"),
    'ok /',
  ],
  'writes-beside-itself': [
    cjs("require('fs').writeFileSync('own.txt', 'ok'); module.exports = (q, r) => r.end('ok');"),
    'ok',
  ],
  'pollutes-prototypes': [
    cjs(
      "Object.prototype.status = 500; Object.prototype.polluted = 1; for (const k in require.cache) delete require.cache[k]; module.exports = (q, r) => r.end('ok');",
    ),
    'ok',
  ],
  'waits-for-a-request': [
    { ...says('ok'), 'application.yaml': 'portico: { servlet: { start: { when: lazy } } }\n' },
    'ok',
  ],
  'shows-its-environment': [
    cjs('module.exports = (q, r) => r.end(Object.keys(process.env).sort().join());'),
    /^(?!.*SECRET)(?=.*PORTICO_CONTEXT_PATH)/,
  ],
};

const inTar = Object.entries(says('evil')).map(([name, data]) => ({ name, data }));
/** Archives nobody should unpack, and what the reason must name. */
const hostile: readonly (readonly [file: string, bytes: Buffer, reason: RegExp])[] = [
  ['climbs.tgz', tgz(...inTar, { name: '../../climbed', data: 'x' }), /"\.\.\/\.\.\/climbed".*climbs out/],
  ['absolute.tgz', tgz(...inTar, { name: '/tmp/portico-climbed', data: 'x' }), /absolute path/],
  ['backslash.tgz', tgz(...inTar, { name: '..\\climbed', data: 'x' }), /backslash/],
  ['link.tgz', tgz({ name: 'l', type: '2', link: '/tmp' }, { name: 'l/x', data: 'x' }), /symbolic link/],
  ['hard-link.tgz', tgz(...inTar, { name: 'h', type: '1', link: '/etc/passwd' }), /hard link/],
  ['fifo.tgz', tgz({ name: 'package.json', data: '{"main":"f"}' }, { name: 'f', type: '6' }), /named pipe/],
  ['device.tgz', tgz(...inTar, { name: 'd', type: '3' }), /device/],
  ['case.tgz', tgz(...inTar, { name: 'App.js', data: 'x' }), /letter case/],
  ['lies.tgz', tgz(...inTar, { name: 's', data: 'x', size: 9_999_999 }), /truncated/],
  ['encrypted.zip', zip([{ name: 'a', data: 'x', flags: 1 }, ...inTar]), /encrypted/],
  ['checksum.zip', zip([...inTar, { name: 'a', data: 'x', crc: 1 }]), /checksum/],
  ['differs.zip', zip([...inTar, { name: 'a', data: 'x', localName: 'b' }]), /differs/],
  ['stray.zip', zip(inTar, { after: 'stray' }), /bytes behind its end/],
];

describe('bundles', () => {
  let host: TestHost;
  beforeAll(async () => {
    const apps = Object.fromEntries(Object.entries(shapes).map(([name, [content]]) => [name, content]));
    host = await TestHost.start({
      config: `
deployer: { stabilityWindow: 200ms, scanInterval: 300ms }
applications: { start: { timeout: 60s }, restart: { minDelay: 50ms, maxDelay: 100ms, maxCrashes: 2 } }
`,
      apps: { ...apps, calm: says('calm') },
      env: { HOST_SECRET: 'SECRET' },
    });
  });
  afterAll(async () => {
    await host.stop();
  });

  it.each(Object.entries(shapes))('%s answers', async (name, [, answer]) => {
    const response = await until(name, async () => {
      const given = await host.get(`/${name}/x?y=1`);
      return given.status === 200 ? given : undefined;
    });
    const text = await response.text();
    if (typeof answer === 'string') expect(text).toBe(answer);
    else expect(text).toMatch(answer);
  });

  it('an application that spoils its own JSON or its control channel ends alone', async () => {
    host.drop('spoils', cjs("JSON.stringify = () => 'bad'; module.exports = (q, r) => r.end('ok');"));
    host.drop(
      'scribbles',
      cjs(
        "setTimeout(() => { for (let fd = 3; fd < 40; fd++) try { require('fs').writeSync(fd, 'junk\\n'); } catch {} }, 200); module.exports = (q, r) => r.end('ok');",
      ),
    );
    for (const name of ['spoils', 'scribbles'])
      await host.untilApplication(name, ({ state }) => state === 'failed');
    expect(await host.text('/calm/')).toBe('calm');
    expect(host.process.exitCode).toBeNull();
  });

  it('refuses hostile archives whole, naming the reason, and goes on serving', async () => {
    for (const [file, bytes] of hostile) host.dropFile(file, bytes);
    for (const [file, , reason] of hostile) {
      const name = file.replace(/\.\w+$/, '');
      await host.untilApplication(name, (now) => now.state === 'failed' && reason.test(now.reason ?? ''));
    }
    expect(existsSync('/tmp/portico-climbed')).toBe(false);
    expect(await host.text('/calm/')).toBe('calm');
    for (const [file] of hostile) host.remove(file);
  });

  it('waits for an archive that grows slowly, and takes it once', async () => {
    const bytes = await tgzOf(filesOf(says('grown')));
    const file = join(host.base, 'apps/grows.tgz');
    const step = Math.ceil(bytes.length / 5);
    for (let at = 0; at < bytes.length; at += step) {
      appendFileSync(file, bytes.subarray(at, at + step));
      await delay(300);
    }
    await host.untilApplication('grows', ({ state }) => state === 'running');
    expect(await host.text('/grows/')).toBe('grown');
    expect(host.log.match(/grows serves/g)).toHaveLength(1);
    expect(host.log).not.toMatch(/grows.{0,40}unpack/);
  });

  it('takes other bytes with an older time, and does nothing for a time in the future', async () => {
    host.dropFile('times.zip', await zipOf(filesOf(says('newer'))));
    await host.untilApplication('times', ({ state }) => state === 'running');
    const older = join(host.base, 'times.zip');
    writeFileSync(older, await zipOf(filesOf(says('older'))));
    utimesSync(older, new Date('2001-01-01'), new Date('2001-01-01'));
    const file = join(host.base, 'apps/times.zip');
    rmSync(file);
    writeFileSync(file, await zipOf(filesOf(says('older'))));
    utimesSync(file, new Date('2001-01-01'), new Date('2001-01-01'));
    await until('the older one answers', async () =>
      (await host.text('/times/')) === 'older' ? true : undefined,
    );
    const before = await host.application('times');
    utimesSync(file, new Date('2040-01-01'), new Date('2040-01-01'));
    await until('the touch is seen', () => (/times: files have changed/.test(host.log) ? true : undefined));
    expect((await host.application('times'))?.instances[0]?.pid).toBe(before?.instances[0]?.pid);
  });

  it('prefers the archive to the folder of its name, and falls back when it is deleted', async () => {
    host.drop('both', says('folder'));
    await host.untilApplication('both', ({ state }) => state === 'running');
    host.dropFile('both.zip', await zipOf(filesOf(says('archive'))));
    await until('the archive serves', async () =>
      (await host.text('/both/')) === 'archive' ? true : undefined,
    );
    await until('the folder is reported', () =>
      /both is ignored, because/.test(host.log) ? true : undefined,
    );
    host.remove('both.zip');
    await until('the folder serves', async () =>
      (await host.text('/both/')) === 'folder' ? true : undefined,
    );
  });

  it('serves the highest version by number, and the next when it is deleted', async () => {
    for (const version of ['1', '2', '10']) host.drop(`v##${version}`, says(`v${version}`));
    for (const version of ['10', '2', '1']) {
      await until(version, async () => ((await host.text('/v/')) === `v${version}` ? true : undefined));
      host.remove(`v##${version}`);
    }
  });

  it('says in the list why a change of the descriptor is not taken', async () => {
    host.drop('moves', says('moves'));
    await host.untilApplication('moves', ({ state }) => state === 'running');
    host.dropFile('moves.yaml', 'portico: { servlet: { context: //evil.example } }\n');
    const { pendingFailure } = await host.untilApplication(
      'moves',
      (now) => now.pendingFailure !== undefined,
    );
    expect(pendingFailure).toContain('//evil.example');
    host.dropFile('moves.yaml', 'instances: 2\n');
    const misplaced = await host.untilApplication(
      'moves',
      (now) => now.pendingFailure?.includes('below') === true,
    );
    expect(misplaced.pendingFailure).toContain('moves.yaml:1:1: instances: has no effect here');
    expect(await host.text('/moves/')).toBe('moves');
  });
});
