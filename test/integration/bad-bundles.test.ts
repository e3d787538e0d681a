import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { filesOf, tgzOf, zipOf } from '#test/support/archives.js';
import { type BundleContent, TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';

const calm = {
  'package.json': '{ "type": "module", "main": "app.js" }',
  'app.js': "export default (request, response) => response.end('calm');",
};
const withEntry = (text: string) => ({ ...calm, 'app.js': text });
const withTimeout = (text: string) => ({
  ...withEntry(text),
  'application.yaml': 'portico: { servlet: { start: { timeout: 4s } } }\n',
});
const withDescriptor = (text: string) => ({ ...calm, 'application.yaml': text });

/** Bundle folders that cannot be deployed, and what the reason must name. */
const bad: readonly (readonly [name: string, content: BundleContent, reason: RegExp])[] = [
  ['syntax-error', withEntry('export default function ( {'), /app\.js|SyntaxError|Unexpected/],
  ['throws', withEntry("throw new Error('no database');"), /no database \(app\.js:1\)/],
  [
    'throws-typeless',
    { 'server.js': "export const a = 1; throw new Error('no database');" },
    /no database \(server\.js:1\)/,
  ],
  ['throws-null', withEntry('throw null;'), /null/],
  ['throws-proxy', withEntry("throw new Proxy({}, { get() { throw new Error('trap'); } });"), /thrown|load/i],
  [
    'never-resolves',
    withTimeout('await new Promise(() => setInterval(() => {}, 1000));'),
    // The application says it; the host does when that says nothing.
    /does not finish loading[\s\S]*4000 ms|After 4 s it was not ready/,
  ],
  ['exits', withEntry('process.exit(7);'), /7/],
  ['aborts', withEntry('process.abort();'), /SIGABRT|134|abort/i],
  ['loops', withTimeout('for (;;);'), /time/i],
  [
    'fills-heap',
    withEntry('const all = []; for (;;) all.push(new Array(1000).fill(all.length));'),
    /heap|memory|SIGABRT|134|SIGKILL/i,
  ],
  ['no-export', withEntry('export const nothing = 1;'), /export|nothing/i],
  ['missing-dependency', withEntry("import 'no-such-package-anywhere';"), /no-such-package-anywhere/],
  ['missing-entry', { 'package.json': '{ "main": "gone.js" }' }, /gone\.js/],
  ['outside-entry', { 'package.json': '{ "main": "../calm/app.js" }' }, /\.\.\/calm\/app\.js/],
  ['empty', { 'readme.txt': 'nothing to run' }, /package\.json|index\.html|application\.yaml/],
  ['unknown-key', withDescriptor('portico:\n  servlet:\n    instnces: 2\n'), /instnces[\s\S]*instances|3:5/],
  ['wrong-type', withDescriptor('portico:\n  servlet:\n    instances: many\n'), /instances/],
  ['wrong-unit', withDescriptor('portico:\n  servlet:\n    start: { timeout: 30 parsecs }\n'), /timeout/],
  ['duplicate-key', withDescriptor('portico: {}\nportico: {}\n'), /"portico" is there twice/],
  ['list-root', withDescriptor('- portico\n'), /not a list/],
  ['custom-tag', withDescriptor('portico: !!js/function "function () {}"\n'), /tag/i],
  ['alias-bomb', withDescriptor(aliasBomb()), /alias/i],
  [
    'missing-module',
    { 'application.yaml': 'portico:\n  application:\n    modules: [gone.mjs#m]\n' },
    /gone\.mjs/,
  ],
  [
    'missing-function',
    {
      'application.yaml': 'portico:\n  application:\n    modules: [m.mjs#gone]\n',
      'm.mjs': 'export function here() {}',
    },
    /gone[\s\S]*here|here[\s\S]*gone/,
  ],
  [
    'module-throws',
    {
      'application.yaml': 'portico:\n  application:\n    modules: [m.mjs#m]\n',
      'm.mjs': "export function m() { throw new Error('module is broken'); }",
    },
    /module is broken/,
  ],
];

describe('bad bundles', () => {
  let host: TestHost;
  beforeAll(async () => {
    const config = `
deployer: { stabilityWindow: 200ms, scanInterval: 300ms }
applications: { start: { timeout: 30s }, limits: { heap: 64MiB } }
archives: { maxTotalSize: 8MiB, maxEntries: 500 }
`;
    host = await TestHost.start({ config, apps: { calm } });
    for (const [name, content] of bad) host.drop(name, content);
  }, 240_000);
  afterAll(async () => {
    await host.stop();
  });

  it.each(bad.map(([name, , reason]) => [name, reason] as const))(
    '%s fails with its reason',
    async (name, reason) => {
      const application = await host.untilApplication(name, ({ state }) => state === 'failed');
      expect(application.reason).toMatch(reason);
      // Files are named as they are in the bundle, wherever it runs.
      expect(application.reason).not.toContain(host.base);
      // Node's own words on a missing "type" do, and ask for a file there.
      expect(application.lastOutput?.join('\n') ?? '').not.toContain('MODULE_TYPELESS_PACKAGE_JSON');
      const response = await host.get(`/${name}/`);
      expect(response.status).toBe(503);
      expect(response.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(await host.text('/calm/')).toBe('calm');
    },
  );

  it('deploys a corrected bundle without a restart', async () => {
    host.drop('throws', calm);
    await host.untilApplication('throws', ({ state }) => state === 'running');
    expect(await host.text('/throws/')).toBe('calm');
  });

  it('refuses archives that are cut, empty, no archive, or that climb out, and serves the mended one', async () => {
    const good = filesOf(calm);
    const zip = await zipOf(good);
    const tgz = await tgzOf(good);
    const climbing = await tgzOf(new Map([...good, ['../../climbed.txt', Buffer.from('out')]]), '');
    host.dropFile('cut.zip', zip.subarray(0, zip.length - 40));
    host.dropFile('nothing.tgz', Buffer.alloc(0));
    host.dropFile('text.zip', 'this is not an archive');
    host.dropFile('climbing.tgz', climbing);
    host.dropFile('bomb.zip', await zipOf(new Map([...good, ['bomb', Buffer.alloc(64 * 1024 * 1024)]])));
    const climbed = await host.untilApplication('climbing', ({ state }) => state === 'failed');
    expect(climbed.reason).toContain('../../climbed.txt');
    expect((await host.untilApplication('bomb', ({ state }) => state === 'failed')).reason).toMatch(
      /more than 8MiB/,
    );
    host.dropFile('cut.zip', zip);
    host.dropFile('climbing.tgz', tgz);
    await host.untilApplication('cut', ({ state }) => state === 'running');
    await host.untilApplication('climbing', ({ state }) => state === 'running');
    expect(await host.text('/climbing/')).toBe('calm');
    expect(await host.text('/calm/')).toBe('calm');
  });

  it('reports illegal names once and goes on', async () => {
    for (const name of ['##1', 'a##', 'white space', 'per%cent', '.hidden']) host.drop(name, calm);
    host.drop('legal', calm);
    await host.untilApplication('legal', ({ state }) => state === 'running');
    await until('the name is reported', () => (host.log.includes('per%cent') ? true : undefined));
    const names = (await host.applications()).map(({ name }) => name);
    expect(names).not.toContain('.hidden');
    expect(names).not.toContain('per%cent');
  });

  it('lets the first of two bundles for one path go on serving', async () => {
    host.drop('twice', calm);
    await host.untilApplication('twice', ({ state }) => state === 'running');
    host.dropFile('twice.zip', await zipOf(filesOf(withEntry("export default (q, r) => r.end('second');"))));
    await until('the second is reported', () => (/twice\.zip/.test(host.log) ? true : undefined));
    expect((await host.application('twice'))?.state).toBe('running');
  });

  it('does not block on a fifo and does not serve through links that leave the folder', async () => {
    const folder = join(host.base, 'apps', 'links');
    mkdirSync(folder);
    symlinkSync('/etc', join(folder, 'etc'));
    symlinkSync('loop', join(folder, 'loop'));
    spawnSync('mkfifo', [join(folder, 'pipe')]);
    host.drop('links', { 'index.html': '<title>links</title>' });
    await host.untilApplication('links', ({ state }) => state === 'running');
    expect((await host.get('/links/')).status).toBe(200);
    expect((await host.get('/links/etc/passwd')).status).toBe(404);
    expect((await host.get('/links/pipe')).status).toBe(404);
  });

  it('did not die of any of it, and left nothing unfinished in the work folder', async () => {
    expect(await host.text('/calm/')).toBe('calm');
    expect((await host.admin('/health/live')).status).toBe(200);
  });
});

function aliasBomb(): string {
  const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let i = 1; i < 12; i++)
    lines.push(
      `a${i}: &a${i} [${Array(10)
        .fill(`*a${i - 1}`)
        .join(', ')}]`,
    );
  return `${lines.join('\n')}\n`;
}
