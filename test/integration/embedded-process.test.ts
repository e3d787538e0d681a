import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { EmbeddedProcess } from '#test/support/embedded-process.js';
import { fixturesFolder, repositoryFolder } from '#test/support/paths.js';
import { until } from '#test/support/polling.js';

const processes: EmbeddedProcess[] = [];
async function start(...args: Parameters<typeof EmbeddedProcess.start>): Promise<EmbeddedProcess> {
  const server = await EmbeddedProcess.start(...args);
  processes.push(server);
  return server;
}
afterEach(async () => {
  for (const server of processes.splice(0)) await server.destroy();
});

const STOPPED_IN_ORDER = [
  'ApplicationStarted',
  'ServerReady',
  'ApplicationStopPreparing',
  'ApplicationStopping',
  'ApplicationStopped',
];

describe.each(['CIO', 'Node'] as const)('a process with an embedded server on %s', (engine) => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'finishes calls at %s, stops in order and exits with 0',
    async (signal) => {
      const server = await start(engine);
      const slow = server.text('/slow');
      await until('the call runs', () => server.output.includes('slow'));
      server.signal(signal);
      expect(await slow).toBe('finished');
      expect(await server.exit()).toBe(0);
      expect(server.events).toEqual(STOPPED_IN_ORDER);
    },
  );

  it('exits with 1 when a call had to be cut', async () => {
    const server = await start(engine, { shutdownGracePeriodMs: 50 });
    const hanging = server.get('/hang').then(
      ({ status }) => status,
      () => 'cut',
    );
    await until('the call runs', () => server.output.includes('hanging'));
    server.signal('SIGTERM');
    expect([502, 'cut']).toContain(await hanging);
    expect(await server.exit()).toBe(1);
    expect(server.events).toEqual(STOPPED_IN_ORDER);
  });

  it('answers 410 at the shutdown URL, whole URI only, then ends with its exit code', async () => {
    const server = await start(engine);
    expect((await server.get('/stop')).status).toBe(404);
    expect((await server.get('/stop?now')).status).toBe(410);
    expect(await server.exit()).toBe(7);
    expect(server.events).toEqual(STOPPED_IN_ORDER);
  });
});

describe('a process with an embedded server', () => {
  it('ends at once at the second signal', async () => {
    const server = await start('CIO', { shutdownGracePeriodMs: 60_000, shutdownTimeoutMs: 60_000 });
    void server.get('/hang').catch(() => undefined);
    await until('the call runs', () => server.output.includes('hanging'));
    server.signal('SIGTERM');
    await until('it is stopping', () => server.events.includes('ApplicationStopPreparing'));
    server.signal('SIGTERM');
    expect(await server.exit()).toBe(1);
    expect(server.events).not.toContain('ApplicationStopped');
  });

  it('leaves signals alone where the hook is switched off', async () => {
    const server = await start('CIO', { shutdownHook: false });
    server.signal('SIGTERM');
    expect(await server.exit()).toBe('SIGTERM');
  });

  it('takes the shutdown URL from the configuration as well, with the root path before it', async () => {
    const config = { portico: { deployment: { shutdown: { url: '/bye' } } } };
    const server = await start('CIO', { config, rootPath: '/shop' });
    expect((await server.get('/bye')).status).toBe(404);
    expect((await server.get('/shop/bye')).status).toBe(410);
    expect(await server.exit()).toBe(0);
  });
});

describe('development mode of an embedded server', () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });

  /** Inside the repository, so that its modules find the package. */
  function sources(files: Readonly<Record<string, string>>): string {
    const parent = join(repositoryFolder, 'dist/test-sources');
    mkdirSync(parent, { recursive: true });
    const folder = mkdtempSync(join(parent, 'dev-'));
    folders.push(folder);
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return folder;
  }

  const MODULE = `import { routing } from 'portico';
import { word } from './word.js';
import { kept } from './legacy.cjs';
export function shop(application) {
  routing(application, (r) => r.get('/', () => word + ' ' + kept + ' ' + application.developmentMode));
}
`;

  it.each(['CIO', 'Node'] as const)('loads changed code anew at the next request on %s', async (engine) => {
    const folder = sources({
      'shop.js': MODULE,
      'word.js': "export const word = 'one';",
      'legacy.cjs': "exports.kept = 'a';",
    });
    const settings = { developmentMode: true, watchPaths: [folder] };
    const server = await start(engine, settings, `${join(folder, 'shop.js')}#shop`);
    expect(await server.text('/')).toBe('one a true');
    // Deep in the graph, and CommonJS.
    writeFileSync(join(folder, 'word.js'), "export const word = 'second';");
    expect(await server.text('/')).toBe('second a true');
    writeFileSync(join(folder, 'legacy.cjs'), "exports.kept = 'bb';");
    expect(await Promise.all([server.text('/'), server.text('/'), server.text('/')])).toEqual(
      Array(3).fill('second bb true'),
    );
    expect(server.events.filter((name) => name === 'ApplicationStarted').length).toBe(3);
    expect(server.events).not.toContain('ApplicationStopPreparing');
  });

  it('shows why a reload failed, with the source line, until another change', async () => {
    const folder = sources({
      'shop.js': MODULE,
      'word.js': "export const word = 'one';",
      'legacy.cjs': "exports.kept = 'a';",
    });
    const server = await start(
      'CIO',
      { developmentMode: true, watchPaths: [folder] },
      `${join(folder, 'shop.js')}#shop`,
    );
    writeFileSync(join(folder, 'word.js'), "\nthrow new Error('cannot be loaded');\nexport const word = 1;");
    for (let i = 0; i < 2; i++) {
      const failed = await server.get('/');
      const page = await failed.text();
      expect([failed.status, failed.headers.get('content-type')]).toEqual([500, 'text/html; charset=UTF-8']);
      expect(page).toContain('The application could not be reloaded');
      expect(page).toMatch(/<b>2 {2}throw new Error/);
    }
    expect(server.output.match(/The reload failed/g)?.length).toBe(1);
    writeFileSync(join(folder, 'word.js'), "export const word = 'again';");
    expect(await server.text('/')).toBe('again a true');
  });

  it('takes the default export of CommonJS that was compiled from an ES module, at the start and at a reload', async () => {
    const folder = sources({
      'shop.cjs': `Object.defineProperty(exports, '__esModule', { value: true });
exports.default = (application) => console.log('shop ' + require('./word.cjs').word);`,
      'word.cjs': "exports.word = 'one';",
    });
    const settings = { developmentMode: true, watchPaths: [folder] };
    const server = await start('CIO', settings, join(folder, 'shop.cjs'));
    writeFileSync(join(folder, 'word.cjs'), "exports.word = 'second';");
    expect((await server.get('/')).status).toBe(404);
    expect(server.output).toMatch(/shop one[\s\S]*shop second/);
  });

  it('survives how editors save: by rename, by removing first, by an empty file, with a syntax error between', async () => {
    const text = (word: string): string =>
      `import { routing } from 'portico';\nexport function shop(a) { routing(a, (r) => r.get('/', () => '${word}')); }\n`;
    const folder = sources({ 'shop.js': text('one') });
    const file = join(folder, 'shop.js');
    const settings = { developmentMode: true, watchPaths: [folder] };
    const server = await start('CIO', settings, `${file}#shop`);
    writeFileSync(`${file}.tmp`, text('renamed'));
    renameSync(`${file}.tmp`, file);
    expect(await server.text('/')).toBe('renamed');
    rmSync(file);
    expect((await server.get('/')).status).toBe(500);
    writeFileSync(file, '');
    expect((await server.get('/')).status).toBe(500);
    writeFileSync(file, '// a comment\nexport function shop(a) {\n');
    expect(await server.text('/')).toMatch(/<b>3 {2}<\/b>|<b>2 {2}export function/);
    symlinkSync('itself', join(folder, 'itself'));
    writeFileSync(file, text('good'));
    expect(await server.text('/')).toBe('good');
  });

  it('refuses the running program as a module, which would wait for itself', async () => {
    const program = join(fixturesFolder, 'embedded/server.mjs');
    await expect(start('CIO', {}, `${program}#module`)).rejects.toThrow(/PORTICO_MODULE_IS_PROGRAM/);
  });

  it('fails the start with the reference that leads nowhere', async () => {
    const folder = sources({
      'shop.js': MODULE,
      'word.js': 'export const word = 1;',
      'legacy.cjs': 'exports.kept = 1;',
    });
    await expect(start('CIO', {}, `${join(folder, 'shop.js')}#shopp`)).rejects.toThrow(
      /PORTICO_EXPORT_MISSING/,
    );
  });
});
