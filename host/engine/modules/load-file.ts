import { readFileSync, realpathSync, statSync } from 'node:fs';
import Module from 'node:module';
import { dirname, extname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ModuleLoadError } from './module-load-error.js';
import { describeThrown } from './thrown.js';

/**
 * Loads one file of a bundle: CommonJS or an ES module, by the same rules as `node file`. Loaded with `asMain`, the
 * file sees itself as the program: `require.main === module`, `process.argv[1]`. With a `generation` above 0 it is
 * loaded anew, see `importGeneration`. Fails with ModuleLoadError: missing, outside of the bundle, the running program
 * itself, TypeScript without support, syntax error, missing dependency, or whatever it threw.
 */
export async function loadFile(
  folder: string,
  path: string,
  asMain: boolean,
  generation = 0,
): Promise<LoadedFile> {
  const file = checkedPath(folder, path);
  const name = relative(folder, resolve(folder, path)) || path;
  if (!asMain && isProgram(file))
    throw new ModuleLoadError(
      'PORTICO_MODULE_IS_PROGRAM',
      `${name} is the program that is running: it would wait for itself, and a reload would start it a second time. Put the module into a file of its own.`,
    );
  try {
    if (asMain) process.argv[1] = file;
    const isCommon = await isCommonJs(file);
    if (generation > 0) {
      const { importGeneration } = await import('../reload/import-generation.js');
      const loaded = await importGeneration(file, generation);
      return { name, exports: isCommon ? commonJsExports(loaded['default']) : loaded };
    }
    if (isCommon && asMain) return { name, exports: commonJsExports(requireMain(file)) };
    // By `import` also for CommonJS: test runners bring a loader of their own, and `require` would go around it.
    const loaded = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
    return { name, exports: isCommon ? commonJsExports(loaded['default']) : loaded };
  } catch (thrown) {
    throw await loadFailure(name, file, thrown);
  }
}

/** A loaded file: what it exports by name; `default` is the default export or `module.exports`. */
export interface LoadedFile {
  /** Path inside the bundle, for messages. */
  readonly name: string;
  readonly exports: Readonly<Record<string, unknown>>;
}

/** Where a package lies, in a path within the bundle. */
const PACKAGE = /^(?!\.\.[\\/]).*?node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+(?=[\\/])/;

function checkedPath(folder: string, path: string): string {
  const absolute = isAbsolute(path) ? path : join(folder, path);
  let file: string;
  try {
    file = realpathSync(absolute);
    if (!statSync(file).isFile()) throw new Error('it is not a file');
  } catch (cause) {
    throw new ModuleLoadError(
      'PORTICO_ENTRY_MISSING',
      `The bundle has no file ${JSON.stringify(path)}. Correct the entry in application.yaml or package.json; compiled output must be part of the bundle.`,
      { cause },
    );
  }
  // An installed package may be a link. Of the root folder the path ends with a slash already.
  const [place = ''] = PACKAGE.exec(relative(folder, absolute)) ?? [];
  if (!file.startsWith(join(realpathSync(join(folder, place)), sep))) {
    throw new ModuleLoadError(
      'PORTICO_ENTRY_OUTSIDE',
      `The entry ${JSON.stringify(path)} leads out of the bundle. Name a file inside it.`,
    );
  }
  const extension = extname(file);
  const isTypeScript = extension === '.ts' || extension === '.mts' || extension === '.cts';
  const features = process.features as unknown as { readonly typescript?: unknown };
  if (isTypeScript && !features.typescript) {
    throw new ModuleLoadError(
      'PORTICO_TYPESCRIPT_UNSUPPORTED',
      `${path} is TypeScript, which Node ${process.versions.node} cannot run. Compile it, or run Portico on Node 22.18 or newer.`,
    );
  }
  if (!isTypeScript && extension !== '.js' && extension !== '.mjs' && extension !== '.cjs') {
    throw new ModuleLoadError(
      'PORTICO_ENTRY_MISSING',
      `${path} is no JavaScript file. An entry ends in .js, .mjs or .cjs.`,
    );
  }
  return file;
}

/** True for the file that `node file` was started with. */
function isProgram(file: string): boolean {
  const [, program] = process.argv;
  try {
    return program !== undefined && realpathSync(program) === file;
  } catch {
    // Not a file: `node --eval`, or named without its extension.
    return false;
  }
}

/** Node's rule (`type` of the nearest package.json, else the syntax), asked beforehand to load CommonJS as main. */
async function isCommonJs(file: string): Promise<boolean> {
  const extension = extname(file);
  if (extension !== '.js') return extension === '.cjs';
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const type = packageType(join(folder, 'package.json'));
    if (type === 'module') return false;
    if (type === 'commonjs') return true;
    if (type === 'none' || folder === dirname(folder)) break;
  }
  const { compileFunction } = await import('node:vm');
  try {
    compileFunction(readFileSync(file, 'utf8').replace(/^#!.*/, ''), [
      'exports',
      'require',
      'module',
      '__filename',
      '__dirname',
    ]);
    return true;
  } catch {
    // Either a module by its syntax, or broken: `import` finds out and says what is wrong.
    return false;
  }
}

/** `type` of a package.json: undefined without such a file, `none` when it does not say. */
function packageType(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  try {
    const { type } = JSON.parse(text) as { type?: unknown };
    return type === 'module' || type === 'commonjs' ? type : 'none';
  } catch {
    // Node reports the broken file when it loads the entry.
    return 'none';
  }
}

/** As the program: `require.main === module`. */
function requireMain(file: string): unknown {
  const loader = Module as unknown as { _load(file: string, parent: null, isMain: boolean): unknown };
  return loader._load(file, null, true);
}

/** CommonJS exports in the shape of a module: `exports.default` of compiled ES modules counts as default export. */
function commonJsExports(exported: unknown): Record<string, unknown> {
  if ((typeof exported !== 'object' && typeof exported !== 'function') || exported === null)
    return { default: exported };
  const named = exported as Record<string, unknown>;
  if (named['__esModule'] === true) return named;
  return Object.assign(Object.create(null), typeof exported === 'object' ? { ...named } : {}, {
    default: exported,
  }) as Record<string, unknown>;
}

async function loadFailure(name: string, file: string, thrown: unknown): Promise<ModuleLoadError> {
  const text = describeThrown(thrown);
  const code = codeOf(thrown);
  if (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND') {
    return new ModuleLoadError(
      'PORTICO_DEPENDENCY_MISSING',
      `${name} could not be loaded: ${firstLine(text)}. Put the package into node_modules of the bundle, or correct the path.`,
      { cause: thrown },
    );
  }
  const place = await syntaxErrorPlace(file, thrown);
  if (place !== undefined) {
    return new ModuleLoadError(
      'PORTICO_SYNTAX_ERROR',
      `${name} could not be loaded: syntax error: ${firstLine(text)}${place === '' ? '' : ` at ${place}`}.`,
      { cause: thrown },
    );
  }
  return new ModuleLoadError('PORTICO_MODULE_THREW', `${name} threw while it was loaded: ${text}`, {
    cause: thrown,
  });
}

/**
 * `file:line` of an error found while code was compiled; '' when it is one but the place is not known; undefined for
 * other errors. Node does not tell the place for ES modules, so a second process compiles them once more.
 */
async function syntaxErrorPlace(file: string, thrown: unknown): Promise<string | undefined> {
  let stack: string;
  try {
    if (!(thrown instanceof SyntaxError) || typeof thrown.stack !== 'string') return undefined;
    stack = thrown.stack;
  } catch {
    return undefined;
  }
  const placed = /^(?:file:\/\/)?(\/.*:\d+)$/m.exec(stack.split('\n', 1)[0] ?? '');
  if (placed !== null) return placed[1];
  if (!/compileSourceTextModule|wrapSafe|ModuleJob|moduleStrategy/.test(stack)) return undefined;
  const { findSyntaxError } = await import('./syntax-check.js');
  return findSyntaxError(file);
}

function codeOf(thrown: unknown): unknown {
  try {
    return (thrown as { code?: unknown } | null | undefined)?.code;
  } catch {
    return undefined;
  }
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').replace(/\.$/, '');
}
