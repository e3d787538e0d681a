import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findPackage, packageFile, parsePackageReference } from '../../bundle/package-entry.js';
import { describeExports, isClass, property } from './exported-value.js';
import { type LoadedFile, loadFile } from './load-file.js';
import { ModuleLoadError } from './module-load-error.js';

/** How a function is looked for. */
export interface FunctionSearch {
  /** Above 0 the file is loaded anew, see `importGeneration`. */
  readonly generation?: number;
  /** The file is the program of the process; what it is already is not loaded again. */
  readonly isMain?: boolean;
  /** Without such an export the result is undefined. */
  readonly isOptional?: boolean;
  /** For messages: what is looked for, and what that is. */
  readonly what: { readonly noun: string; readonly advice: string };
}

/**
 * Finds the function that `file#name` means, with what it is called on bound to it: an export of a file, relative to the folder,
 * or of a package; the default export without a name; `Shop.main` for one that an exported object or class holds. Throws
 * ModuleLoadError.
 */
export async function loadFunction(
  folder: string,
  reference: string,
  { generation = 0, isMain = false, isOptional = false, what }: FunctionSearch,
): Promise<((argument: never) => unknown) | undefined> {
  const [path = '', name = 'default', ...rest] = reference.trim().split('#');
  if (path === '' || name === '' || rest.length > 0)
    throw new ModuleLoadError(
      'PORTICO_EXPORT_MISSING',
      `The ${what.noun} reference ${JSON.stringify(reference)} is not of the form file#function.`,
    );
  const place = fileOf(folder, path);
  const file = await loadFile(place.folder, place.path, isMain, generation);
  const [holder, exported] = exportNamed(file, name);
  if (typeof exported === 'function' && !isClass(exported))
    return (argument: never) => (exported as (argument: never) => unknown).call(holder, argument);
  const found = describeExports(file.exports);
  if (exported === undefined) {
    if (isOptional) return undefined;
    const wanted = name === 'default' ? 'no default export' : `no export ${JSON.stringify(name)}`;
    throw new ModuleLoadError(
      'PORTICO_EXPORT_MISSING',
      `${file.name} has ${wanted}; it exports ${found}. Export the ${what.noun} function, or correct "${reference}" in the configuration of the application.`,
    );
  }
  throw new ModuleLoadError(
    'PORTICO_EXPORT_NOT_A_FUNCTION',
    `"${reference}" is no function; ${file.name} exports ${found}. ${what.advice}`,
  );
}

/** Folder and file that a reference means: a file of the application where there is one, else that of a package. */
function fileOf(folder: string, path: string): { readonly folder: string; readonly path: string } {
  const reference = parsePackageReference(path);
  if (reference === undefined || existsSync(join(folder, path))) return { folder, path };
  let file: string | undefined;
  let cause: unknown;
  const found = findPackage(folder, reference);
  try {
    file = found && packageFile(found, reference);
  } catch (error) {
    cause = error;
  }
  if (found !== undefined && file !== undefined) return { folder: found, path: file };
  // Without a package of that name, a file was meant.
  if (found === undefined && /\.\w+$/.test(path)) return { folder, path };
  throw new ModuleLoadError(
    'PORTICO_DEPENDENCY_MISSING',
    `${JSON.stringify(path)} is neither a file of ${folder} nor exported by a package that is installed there. Correct the module reference, or install the package.`,
    { cause },
  );
}

/** The export, and what it is called on. */
function exportNamed(file: LoadedFile, name: string): readonly [holder: unknown, exported: unknown] {
  const { exports } = file;
  // CommonJS: the exports of the file are the properties of `module.exports`.
  const fallback = name === 'default' ? undefined : exports['default'];
  for (const owner of [exports, fallback]) {
    let holder: unknown;
    let value: unknown = owner;
    for (const key of name.split('.')) [holder, value] = [value, property(value, key)];
    if (value !== undefined) return [holder === exports ? undefined : holder, value];
  }
  return [undefined, undefined];
}
