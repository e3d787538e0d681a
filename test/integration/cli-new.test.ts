import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { makeBase, TestHost } from '#test/support/host.js';
import { repositoryFolder } from '#test/support/paths.js';

/** Compilers and npm on a busy machine. */
jest.setTimeout(300_000);

const cli = join(repositoryFolder, 'dist/host/cli/main.js');

/** Runs a program to its end; its output, and its exit code where it is not 0. */
function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(program, args, { cwd, timeout: 120_000 }, (error, out, err) => {
      resolve(out + err + (error === null ? '' : `exit code ${error.code}`));
    });
  });
}

describe('portico new', () => {
  // A folder in which `portico` is installed, as it is for somebody who writes bundles.
  const base = makeBase({});
  const portico = (...args: string[]) => run(process.execPath, [cli, ...args], base);
  beforeAll(() => {
    mkdirSync(join(base, 'node_modules'));
    symlinkSync(repositoryFolder, join(base, 'node_modules/portico'), 'junction');
  });
  afterAll(() => rmSync(base, { recursive: true, force: true }));

  it('writes a bundle whose test passes with the command that its README says', async () => {
    expect(await portico('new', 'shop')).toMatch(/^made .*shop\nnext: .*README\.md/);
    expect(readdirSync(join(base, 'shop')).sort()).toEqual([
      '.gitignore',
      'README.md',
      'app.js',
      'app.test.js',
      'application.yaml',
      'package.json',
    ]);
    expect(readFileSync(join(base, 'shop/README.md'), 'utf8')).toMatch(/^npm test$/m);
    expect(await run('npm', ['test'], join(base, 'shop'))).toMatch(/^# pass 1$[\s\S]*^# fail 0$/m);
  });

  it('writes one in TypeScript that compiles, and whose test passes', async () => {
    await portico('new', 'apps/typed', '--typescript');
    const folder = join(base, 'apps/typed');
    expect(await run('npm', ['test'], folder)).toMatch(/^# pass 1$[\s\S]*^# fail 0$/m);
    expect(existsSync(join(folder, 'dist/app.js'))).toBe(true);
  });

  it('writes bundles that a host takes, as a folder and as the archive of npm pack', async () => {
    await portico('new', 'café#Menu');
    await portico('new', 'packed', '--typescript');
    expect(await run('npm', ['pack'], join(base, 'packed'))).toContain('packed-0.1.0.tgz');
    const archive = join(base, 'packed/packed-0.1.0.tgz');
    const host = await TestHost.start({
      apps: { 'café#Menu': join(base, 'café#Menu'), 'packed.tgz': archive, typed: join(base, 'apps/typed') },
    });
    try {
      expect(await host.text('/caf%C3%A9/Menu/')).toBe('Hello from café#Menu\n');
      expect(await host.text('/packed/greetings/Ada')).toBe('{"greeting":"Hello, Ada"}');
      expect(await host.text('/typed/')).toBe('Hello from typed\n');
    } finally {
      await host.stop();
    }
  });

  it('refuses a folder that holds something, a file, and names that no bundle can have', async () => {
    cpSync(cli, join(base, 'a-file'));
    expect(await portico('new', 'apps')).toMatch(/apps .*PORTICO_FOLDER_NOT_EMPTY\]\nexit code 1/);
    expect(await portico('new', 'a-file')).toMatch(/PORTICO_FOLDER_NOT_EMPTY\]\nexit code 1/);
    for (const name of ['two words', 'shop##', 'admin'])
      expect(await portico('new', name)).toMatch(/PORTICO_BUNDLE_NAME\]\nexit code 2/);
    expect(existsSync(join(base, 'two words'))).toBe(false);
    expect(await portico('new')).toContain("missing required argument 'name'");
    expect(await portico('--help')).toMatch(/new .*<name>.*passing test/);
  });
});
