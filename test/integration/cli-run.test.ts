// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text of a program
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { repositoryFolder } from '#test/support/paths.js';
import { until } from '#test/support/polling.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

const cli = join(repositoryFolder, 'dist/host/cli/main.js');

let temporary: TemporaryFolder;
beforeAll(() => {
  temporary = new TemporaryFolder();
});
afterAll(() => temporary.remove());

function portico(
  args: readonly string[],
  cwd = repositoryFolder,
): Promise<{ code: number; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [cli, ...args], { cwd, timeout: 60_000 }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), out, err });
    });
  });
}

describe('portico run', () => {
  it('serves an exploded bundle, says where, and ends with SIGTERM', async () => {
    const child = spawn(process.execPath, [cli, 'run', 'apps/hello', '-port=0', '-host=127.0.0.1'], {
      cwd: repositoryFolder,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(child, 'exit');
    try {
      let output = '';
      child.stdout.on('data', (chunk) => {
        output += String(chunk);
      });
      const url = await until(
        'it says where it is',
        () => /Responding at (http:\/\/127\.0\.0\.1:\d+)\n/.exec(output)?.[1],
      );
      expect(await (await fetch(`${url}/ann`)).text()).toBe('Hello, ann\n');
    } finally {
      child.kill('SIGTERM');
    }
    expect(await exited).toEqual([0, null]);
  });

  it('ends when the application has stopped, whatever it has left open; at once at a second signal', async () => {
    const folder = temporary.write('open', {
      'application.conf': 'portico.application.modules = ["app.mjs#main"]',
      'app.mjs': `import { routing } from 'portico';
export function main(application) {
  setInterval(() => undefined, 1000);
  routing(application, (r) => r.get('/', () => { console.log('called'); return new Promise(() => undefined); }));
}`,
    });
    for (const signals of [['SIGTERM'], ['SIGTERM', 'SIGINT']] as const) {
      const grace = signals.length === 1 ? '0' : '20m';
      const args = [cli, 'run', folder, '-port=0', '-host=127.0.0.1'];
      args.push(`-P:portico.deployment.shutdownGracePeriod=${grace}`);
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      const exited = once(child, 'exit');
      let output = '';
      let url: string | undefined;
      child.stdout.on('data', (chunk) => {
        output += String(chunk);
        if (url !== undefined) return;
        url = /Responding at (http:\/\/127\.0\.0\.1:\d+)\n/.exec(output)?.[1];
        if (url !== undefined) fetch(url).catch(() => undefined);
      });
      await until('it is called', () => output.includes('called'));
      child.kill(signals[0]);
      const second = signals[1];
      if (second === undefined) {
        // The call was cut.
        expect(await exited).toEqual([1, null]);
        continue;
      }
      // The first one must have been taken: signals of different kinds may overtake each other.
      await until('it does not listen any more', () =>
        fetch(String(url), { signal: AbortSignal.timeout(500) }).then(
          () => false,
          (error: Error) => error.name !== 'TimeoutError',
        ),
      );
      child.kill(second);
      expect(await exited).toEqual([null, second]);
    }
  });

  it.each<[string, string[], RegExp]>([
    ['no port', ['apps/hello'], /Neither port nor sslPort specified.*\[PORTICO_PORT_MISSING\]/],
    ['TLS', ['apps/hello', '-sslPort=443'], /PORTICO_TLS_MISSING/],
    ['a folder that is not there', ['apps/none', '-port=0'], /PORTICO_FOLDER_MISSING/],
    ['two folders', ['apps/hello', 'apps/chat', '-port=0'], /takes one folder.*PORTICO_ARGUMENT_INVALID/],
    ['a bundle that is no framework application', ['apps/notes', '-port=0'], /PORTICO_MODULES_MISSING/],
  ])('refuses %s', async (_, args, message) => {
    const { code, err } = await portico(['run', ...args]);
    expect([code, err]).toEqual([2, expect.stringMatching(message)]);
  });

  it('names the file and the place of a module that fails', async () => {
    const folder = temporary.write('broken', {
      'application.conf': 'ktor.application.modules = ["app.mjs#main"]',
      'app.mjs': 'export const main = ;\n',
    });
    const { code, err } = await portico(['run', '-port=0', '-host=127.0.0.1'], folder);
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/app\.mjs could not be loaded: syntax error.*app\.mjs:1.*PORTICO_SYNTAX_ERROR/),
    ]);
  });

  it('lets a bundle anywhere import portico, and says what the application threw', async () => {
    const folder = temporary.write('elsewhere', {
      'application.yaml': 'portico:\n  application:\n    modules: [app.mjs#main]\n',
      'app.mjs':
        "import { PorticoError } from 'portico';\nimport 'portico/embedded';\n" +
        'export function main() { throw new Error(`from ${PorticoError.name}`); }\n',
    });
    const { code, err } = await portico(['run', '-port=0', '-host=127.0.0.1', folder]);
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/at main .*app\.mjs:3[\s\S]*from PorticoError \[PORTICO_MODULE_FAILED\]/),
    ]);
  });

  it('lets a bundle of CommonJS anywhere require portico, and no other name', async () => {
    const folder = temporary.write('elsewhere-cjs', {
      'application.yaml': 'portico:\n  application:\n    modules: [app.cjs#main]\n',
      'app.cjs':
        "exports.main = (application) => {\n  const { SSE } = require('portico/plugins/sse');\n" +
        "  application.install(SSE);\n  const names = ['portico', 'portico/none', 'porticos'].map((name) => {\n" +
        '    try { return typeof require(name).routing; } catch (error) { return error.code; }\n  });\n' +
        "  throw new Error(names.join(' '));\n};\n",
    });
    const { code, err } = await portico(['run', '-port=0', '-host=127.0.0.1', folder]);
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(
        /function ERR_PACKAGE_PATH_NOT_EXPORTED MODULE_NOT_FOUND \[PORTICO_MODULE_FAILED\]/,
      ),
    ]);
  });

  it('tells its options', async () => {
    expect((await portico(['run', '--help'])).out).toMatch(/-config=FILE[\s\S]*-P:KEY=VALUE/);
  });
});
