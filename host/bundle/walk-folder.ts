import type { Stats } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';

/** One thing in an exploded bundle. Links are never followed, so a loop of links ends. */
export interface FolderItem {
  /** Relative to the bundle, with slashes. */
  readonly path: string;
  readonly absolute: string;
  readonly stat: Stats;
  readonly kind: 'file' | 'folder' | 'link' | 'special';
  /** Of a link: what it is in a snapshot. Inside the bundle relative, outside absolute. */
  readonly target: string | undefined;
}

/**
 * Everything below a folder, parents before children, in the order of their names' code units. Throws the system's
 * error when something vanishes or cannot be read on the way.
 */
export async function* walkFolder(root: string): AsyncGenerator<FolderItem> {
  const pending: string[] = [''];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    const names = (await readdir(join(root, folder))).sort();
    const folders: string[] = [];
    for (const name of names) {
      const path = folder === '' ? name : `${folder}/${name}`;
      const absolute = join(root, path);
      const stat = await lstat(absolute);
      const kind = stat.isDirectory()
        ? 'folder'
        : stat.isFile()
          ? 'file'
          : stat.isSymbolicLink()
            ? 'link'
            : 'special';
      const target = kind === 'link' ? snapshotTarget(root, absolute, await readlink(absolute)) : undefined;
      if (kind === 'folder') folders.push(path);
      yield { path, absolute, stat, kind, target };
    }
    pending.push(...folders.reverse());
  }
}

/** A link within the bundle must lead to the snapshot's own copy; one that leaves it goes on leading where it led. */
function snapshotTarget(root: string, link: string, text: string): string {
  const target = resolve(dirname(link), text);
  const fromRoot = relative(root, target);
  const isInside = fromRoot !== '..' && !fromRoot.startsWith(`..${sep}`) && !isAbsolute(fromRoot);
  return isInside ? relative(dirname(link), target) || '.' : target;
}
