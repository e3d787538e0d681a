import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { typescriptBundleFiles } from '#host/cli/new/typescript-bundle-files.js';
import { repositoryFolder } from '#test/support/paths.js';
import { type Turn, turnsOf } from './http-script.js';
import { fencesOf } from './markdown.js';

/** Requests of a document, and the folder of the bundle as the document has made it up to there. */
export interface Scene {
  readonly line: number;
  readonly bundle: string;
  readonly folder: string;
  readonly turns: readonly Turn[];
}

/**
 * The bundles that a document builds. `file=NAME/path` in the info of a block puts its text into bundle NAME; a later
 * block replaces it. Bundles with TypeScript begin as `portico new NAME --typescript` makes them. The requests of an `http`
 * block are meant for the bundle that is mounted at the first segment of their paths, as it is at that place.
 */
export class ExecutedDocument {
  readonly name: string;
  readonly scenes: readonly Scene[];
  readonly #folder: string;

  /** Writes all states of all bundles below `folder`, which lies in the repository. */
  constructor(file: string, folder: string) {
    this.name = file;
    this.#folder = folder;
    this.scenes = this.#write(readFileSync(join(repositoryFolder, file), 'utf8'));
  }

  /** The last state of each bundle. */
  get finished(): ReadonlyMap<string, string> {
    return new Map(this.scenes.map(({ bundle, folder }) => [bundle, folder]));
  }

  #write(text: string): Scene[] {
    const bundles = new Map<string, Record<string, string>>();
    const scenes: Scene[] = [];
    let [state, isChanged] = [0, false];
    for (const fence of fencesOf(text)) {
      const [, bundle, path] = /^([^/]+)\/(.+)$/.exec(fence.file ?? '') ?? [];
      if (bundle !== undefined && path !== undefined) {
        const files = bundles.get(bundle) ?? (text.includes(`file=${bundle}/src/`) ? newBundle(bundle) : {});
        bundles.set(bundle, { ...files, [path]: fence.text });
        isChanged = true;
      }
      if (fence.language !== 'http') continue;
      if (isChanged) state++;
      isChanged = false;
      const turns = turnsOf(fence);
      const name = turns[0]?.path.split('/')[1] ?? '';
      const folder = join(this.#folder, String(state).padStart(2, '0'), name);
      const files = bundles.get(name);
      if (files === undefined)
        throw new Error(`${this.name}:${fence.line} sends requests to ${name}, which no block has written.`);
      if (!existsSync(folder)) writeBundle(folder, files);
      scenes.push({ line: fence.line, bundle: name, folder, turns });
    }
    return scenes;
  }
}

/**
 * Compiles all states of all bundles of documents at once, with the compiler options that new bundles have; `folder` is
 * that of all documents. Gives what the compiler says.
 */
export async function compile(documents: readonly ExecutedDocument[], folder: string): Promise<string> {
  const { compilerOptions } = JSON.parse(templateOf('any')['tsconfig.json'] ?? '{}') as {
    compilerOptions: Readonly<Record<string, unknown>>;
  };
  const options = { ...compilerOptions, rootDir: '.', outDir: 'out', allowJs: true, checkJs: true };
  const include = ['*/*/*/src/**/*', '*/*/*/*.mjs'];
  const config = { compilerOptions: options, include, exclude: ['out', '**/node_modules'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(repositoryFolder, 'node_modules/typescript/bin/tsc');
  const said = await run(process.execPath, [tsc, '-p', '.'], folder);
  for (const bundle of new Set(documents.flatMap(({ scenes }) => scenes.map((scene) => scene.folder)))) {
    const compiled = join(folder, 'out', relative(folder, bundle), 'src');
    if (existsSync(compiled)) renameSync(compiled, join(bundle, 'dist'));
  }
  return said;
}

/** A new bundle whose application, and with it its test, is going to be another one. */
function newBundle(name: string): Record<string, string> {
  const { 'src/app.test.ts': _test, ...files } = templateOf(name);
  return files;
}

/** What `portico new NAME --typescript` writes. */
function templateOf(name: string): Readonly<Record<string, string>> {
  return typescriptBundleFiles({
    title: name,
    folder: name,
    packageName: name,
    path: `/${name}`,
    porticoVersion: '0.1.0',
  });
}

function writeBundle(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  // Installed, as far as the bundle depends on packages: links into the repository's own.
  const { dependencies = {} } = JSON.parse(files['package.json'] ?? '{}') as {
    dependencies?: Readonly<Record<string, string>>;
  };
  for (const name of ['portico', ...Object.keys(dependencies)]) {
    const link = join(folder, 'node_modules', name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(
      name === 'portico' ? repositoryFolder : join(repositoryFolder, 'node_modules', name),
      link,
      'junction',
    );
  }
}

/** Runs the tests of a bundle with Node's own runner; gives its output. */
export function runTests(folder: string): Promise<string> {
  const tests = readdirSync(join(folder, 'dist')).filter((name) => name.endsWith('.test.js'));
  return run(process.execPath, ['--test', ...tests.map((name) => join('dist', name))], folder);
}

/** Runs a program; its output, and its exit code where it is not 0. */
function run(program: string, args: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(program, args, { cwd, timeout: 120_000 }, (error, out, err) => {
      resolve(out + err + (error === null ? '' : `exit code ${error.code}`));
    });
  });
}
