import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';

/**
 * Finds where an ES module, or one that it imports by a relative path, has its syntax error: `/app/b.mjs:2`.
 * '' when it cannot be found. Runs this file in a second process, which compiles the modules and runs none of them:
 * only an uncaught error makes Node print the place.
 */
export function findSyntaxError(file: string): Promise<string> {
  return new Promise((done) => {
    execFile(
      process.execPath,
      ['--experimental-vm-modules', '--no-warnings', fileURLToPath(import.meta.url), file],
      { timeout: CHECK_TIMEOUT_MS, env: {}, encoding: 'utf8' },
      (_error, _output, errors) => done(/^(?:file:\/\/)?(\/.*:\d+)$/m.exec(errors)?.[1] ?? ''),
    );
  });
}

const CHECK_TIMEOUT_MS = 5000;
const MAX_FILES = 500;

/** The second process: compiles `start` and what it imports, breadth first; a syntax error is left uncaught. */
function compileAll(start: string): void {
  const { SourceTextModule } = vm as unknown as {
    SourceTextModule: new (
      source: string,
      options: object,
    ) => { readonly dependencySpecifiers?: readonly string[] };
  };
  const files = [start];
  for (let i = 0; i < files.length && i < MAX_FILES; i++) {
    const file = files[i] as string;
    let source: string;
    try {
      source = readFileSync(file, 'utf8');
    } catch {
      // A missing file is another error, and was reported as such.
      continue;
    }
    if (file.endsWith('.cjs') || file.endsWith('.json')) continue;
    const { dependencySpecifiers } = new SourceTextModule(source, { identifier: file });
    for (const specifier of dependencySpecifiers ?? []) {
      if (!specifier.startsWith('.')) continue;
      const path = resolve(dirname(file), specifier);
      if (!files.includes(path)) files.push(path);
    }
  }
}

const argument = process.argv[2];
if (argument !== undefined && process.argv[1] === fileURLToPath(import.meta.url)) {
  compileAll(argument);
}
