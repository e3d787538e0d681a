import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A package named by its specifier, `@acme/shop/admin`: name `@acme/shop`, subpath `./admin`. */
export interface PackageReference {
  readonly name: string;
  /** `.` for the package itself. */
  readonly subpath: string;
}

/** A specifier that may mean a package; undefined for paths such as `./a.js` and `/a.js`. */
export function parsePackageReference(specifier: string): PackageReference | undefined {
  const match = /^(@[\w.~-]+\/[\w.~-]+|[\w~-][\w.~-]*)((?:\/[^/]+)*)$/.exec(specifier);
  const [, name, rest = ''] = match ?? [];
  return name === undefined ? undefined : { name, subpath: `.${rest}` };
}

/** Folder of a package as Node finds it from `folder`: the nearest `node_modules` above that has it. */
export function findPackage(folder: string, { name }: PackageReference): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const found = join(at, 'node_modules', name);
    if (existsSync(join(found, 'package.json'))) return found;
    if (at === dirname(at)) return undefined;
  }
}

/**
 * File that `import` of the package gives, relative to the folder of the package, by its `exports`, else by `main`.
 * Undefined when the package does not offer it. Throws when its `package.json` is no JSON.
 */
export function packageFile(packageFolder: string, { subpath }: PackageReference): string | undefined {
  const json: unknown = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'));
  const { exports, main } = (json ?? {}) as { readonly exports?: unknown; readonly main?: unknown };
  if (exports !== undefined && exports !== null) return exportedFile(exports, subpath);
  const named = subpath === '.' ? (typeof main === 'string' && main !== '' ? main : 'index.js') : subpath;
  return [named, `${named}.js`, `${named}/index.js`].find(
    (file) => /\.[cm]?js$/.test(file) && existsSync(join(packageFolder, file)),
  );
}

/** Conditions that are met, as for `import` in Node. */
const CONDITIONS = ['node', 'import', 'module-sync', 'default'];
const MAX_DEPTH = 8;

function exportedFile(exports: unknown, subpath: string): string | undefined {
  const isMap =
    typeof exports === 'object' &&
    exports !== null &&
    Object.keys(exports).some((key) => key.startsWith('.'));
  if (!isMap) return subpath === '.' ? targetOf(exports, '', 0) : undefined;
  const map = exports as Readonly<Record<string, unknown>>;
  if (Object.hasOwn(map, subpath)) return targetOf(map[subpath], '', 0);
  for (const [key, target] of Object.entries(map)) {
    const [before = '', after] = key.split('*');
    if (after === undefined || !subpath.startsWith(before) || !subpath.endsWith(after)) continue;
    if (subpath.length <= before.length + after.length) continue;
    return targetOf(target, subpath.slice(before.length, subpath.length - after.length), 0);
  }
  return undefined;
}

function targetOf(target: unknown, star: string, depth: number): string | undefined {
  if (typeof target === 'string') return target.replaceAll('*', star);
  if (depth > MAX_DEPTH || typeof target !== 'object' || target === null) return undefined;
  const targets = Array.isArray(target)
    ? (target as unknown[])
    : Object.entries(target).flatMap(([condition, one]) =>
        CONDITIONS.includes(condition) ? [one as unknown] : [],
      );
  for (const one of targets) {
    const found = targetOf(one, star, depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}
