import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf, PorticoError } from '../errors.js';

/** Name of the package that bundles import without carrying it. */
const PACKAGE_NAME = 'portico';

/** Root folder of the package this code runs from: the nearest folder above whose `package.json` names it. */
export function packageRoot(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file)) {
      const json: unknown = JSON.parse(readFileSync(file, 'utf8'));
      if (typeof json === 'object' && json !== null && 'name' in json && json.name === PACKAGE_NAME)
        return folder;
    }
    if (folder === dirname(folder)) {
      throw new PorticoError(
        'PORTICO_INSTALLATION_BROKEN',
        `no package.json of ${PACKAGE_NAME} lies above ${start}: install the package anew`,
      );
    }
  }
}

/**
 * Makes `work/node_modules/portico` lead to the running package. Node looks for packages in every folder above the
 * importing file, so a bundle below `work/` finds it there unless it carries a copy of its own. Replaces a link of an
 * earlier installation in one step.
 *
 * Also makes an empty `work/package.json`: a bundle without one of its own would take its module type from whatever
 * package the work folder happens to lie in. Throws PorticoError `PORTICO_STORE_UNWRITABLE`.
 */
export function linkProvidedPackage(workFolder: string): void {
  const modules = join(workFolder, 'node_modules');
  const link = join(modules, PACKAGE_NAME);
  const target = packageRoot();
  try {
    mkdirSync(modules, { recursive: true });
    if (!existsSync(join(workFolder, 'package.json')))
      writeFileSync(join(workFolder, 'package.json'), '{}\n');
    if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() && readlinkSync(link) === target) return;
    const fresh = join(modules, `.${PACKAGE_NAME}-${process.pid}-${Date.now()}`);
    rmSync(fresh, { force: true });
    symlinkSync(target, fresh, 'junction');
    renameSync(fresh, link);
  } catch (cause) {
    throw new PorticoError(
      'PORTICO_STORE_UNWRITABLE',
      `the link ${link} cannot be made: ${messageOf(cause)}`,
      { cause },
    );
  }
}
