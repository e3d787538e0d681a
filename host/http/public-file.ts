import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { isPublicName } from './public-path.js';

/** What lies at a path of a site. */
export type Found =
  | { readonly kind: 'file'; readonly file: string; readonly stats: Stats }
  /** A folder asked for without a slash at the end. */
  | { readonly kind: 'folder' }
  | { readonly kind: 'nothing' };

/**
 * Looks for the file that `names` (of `namesOf`) lead to below `root`, a real path. A path that ends with a slash
 * finds the `index.html` of a folder; folders are never listed. Links are followed only to places below the root that
 * would be served under their own name. Only regular files are found: a pipe or a device is not even opened.
 *
 * Throws what the file system throws, except for what means that there is no such file.
 */
export async function findFile(root: string, names: readonly string[]): Promise<Found> {
  const isFolderPath = names[names.length - 1] === '';
  const wanted = join(root, ...names, isFolderPath ? 'index.html' : '');
  const file = await realOrNothing(wanted);
  if (file === undefined || !isPublicPlace(root, file)) return NOTHING;
  // The same letters in another case: a file system that ignores case. One file has one path.
  if (file !== wanted && file.toLowerCase() === wanted.toLowerCase()) return NOTHING;
  const stats = await stat(file);
  if (stats.isFile()) return { kind: 'file', file, stats };
  return stats.isDirectory() && !isFolderPath ? { kind: 'folder' } : NOTHING;
}

const NOTHING: Found = { kind: 'nothing' };

/** Codes of the file system that mean: nothing to serve here. */
const ABSENT: ReadonlySet<unknown> = new Set([
  'ENOENT',
  'ENOTDIR',
  'ELOOP',
  'EACCES',
  'EPERM',
  'ENAMETOOLONG',
]);

/** Whether an error of the file system means that there is nothing to serve. */
export function isAbsence(thrown: unknown): boolean {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown && ABSENT.has(thrown.code);
}

async function realOrNothing(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (thrown) {
    if (isAbsence(thrown)) return undefined;
    throw thrown;
  }
}

function isPublicPlace(root: string, file: string): boolean {
  if (file === root) return true;
  if (!file.startsWith(root.endsWith(sep) ? root : root + sep)) return false;
  return relative(root, file).split(sep).every(isPublicName);
}
