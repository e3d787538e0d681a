import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parseContextName } from '../bundle/context-name.js';
import { PorticoError } from '../errors.js';
import { packageVersion } from '../package-version.js';
import { type BundleFacts, bundleFiles } from './new/bundle-files.js';
import { typescriptBundleFiles } from './new/typescript-bundle-files.js';

/** Options of `portico new`. */
export interface NewOptions {
  /** TypeScript, compiled by `tsc`, instead of JavaScript with types in comments. */
  readonly typescript?: boolean;
}

/**
 * `portico new NAME`: writes a framework application with a passing test into the folder NAME, whose last part names it.
 * Refuses a folder that holds something, and a name that no bundle can have; nothing has been written then.
 */
export function makeBundle(folder: string, { typescript = false }: NewOptions): void {
  const target = resolve(folder);
  checkEmpty(target);
  const facts = factsOf(basename(target));
  const files = typescript ? typescriptBundleFiles(facts) : bundleFiles(facts);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(target, name)), { recursive: true });
    writeFileSync(join(target, name), text, { flag: 'wx' });
  }
  process.stdout.write(`made ${target}\nnext: read ${join(folder, 'README.md')}, or portico dev ${folder}\n`);
}

function checkEmpty(target: string): void {
  if (!existsSync(target)) return;
  if (statSync(target).isDirectory() && readdirSync(target).length === 0) return;
  throw new PorticoError(
    'PORTICO_FOLDER_NOT_EMPTY',
    `${target} is there and not an empty folder. Name a new or an empty one.`,
  );
}

function factsOf(name: string): BundleFacts {
  const parsed = parseContextName(name);
  if (!parsed.ok)
    throw new PorticoError('PORTICO_BUNDLE_NAME', `No bundle can have this name: ${parsed.reason}.`);
  // What npm allows as a name; the folder's own decides where the bundle is mounted.
  const packageName = name
    .toLowerCase()
    .replace(/[^a-z0-9._~-]+/g, '-')
    .replace(/^[._-]+/, '');
  return {
    title: parsed.value.application,
    folder: name,
    packageName: packageName === '' ? 'application' : packageName,
    path: parsed.value.contextPath,
    porticoVersion: packageVersion(),
  };
}
