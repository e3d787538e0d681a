import { lstat, readdir, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { messageOf, PorticoError } from '../../errors.js';
import { roleOf } from './file-name.js';

/**
 * Deletes everything the drop folder has under a name: bundle, descriptor, marker. Links are deleted, never what they
 * lead to. Throws `PORTICO_NOT_REMOVABLE` with all that is left over; what could be deleted is gone then.
 */
export async function removeBundle(appsFolder: string, name: string): Promise<void> {
  const failures: unknown[] = [];
  for (const path of await filesOf(appsFolder, name)) {
    try {
      await rm(path, { recursive: true, force: true });
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length === 0) return;
  throw new PorticoError(
    'PORTICO_NOT_REMOVABLE',
    `${name} is undeployed, but not all of its files could be deleted (${failures.map(messageOf).join('; ')}); ` +
      'it stays undeployed until they change. Delete them by hand',
    { cause: failures[0] },
  );
}

/**
 * Throws `PORTICO_NOT_REMOVABLE` when the bundle does not lie in the drop folder itself: then it is not ours to delete.
 * `descriptor` is the file in the drop folder that names it.
 */
export function refuseIfOutside(
  appsFolder: string,
  name: string,
  bundle: string,
  descriptor: string | undefined,
): void {
  if (dirname(resolve(bundle)) === resolve(appsFolder)) return;
  throw new PorticoError(
    'PORTICO_NOT_REMOVABLE',
    `${name} comes from ${bundle}, which is outside of ${appsFolder}; delete ${descriptor ?? `${name}.yaml`} to undeploy it`,
  );
}

async function filesOf(appsFolder: string, name: string): Promise<string[]> {
  const paths: string[] = [];
  for (const entry of await readdir(appsFolder)) {
    const path = join(appsFolder, entry);
    const role = roleOf(entry, (await isFolder(path)) ? 'folder' : 'file');
    // A link to a folder is no folder by lstat; by its name it can be nothing else than one.
    const base = 'name' in role ? role.name : entry;
    if (base.normalize('NFC') === name) paths.push(path);
  }
  return paths;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory();
  } catch {
    // Gone since it was listed; then its type does not matter.
    return false;
  }
}
