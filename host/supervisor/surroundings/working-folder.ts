import { chmodSync, constants, existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { copyFile, lchown, mkdir, readdir, readlink, rm, symlink } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { isProcessAlive } from '../../process-alive.js';
import type { ProcessIdentity } from './process-identity.js';

/**
 * The working folders of all places of one server, below `work/places/`: beside the store, so that bundles find there what they
 * find from the store. Owned by the supervisor, which removes what is left at its end; what a server that was killed has left
 * is removed by the next one.
 */
export class WorkingFolders {
  readonly #folder: string;
  #own: string | undefined;
  #serial = 0;

  constructor(workFolder: string) {
    this.#folder = join(workFolder, 'places');
  }

  /** A folder that no other place of this server has had. Nothing is made yet. */
  next(bundle: string): WorkingFolder {
    this.#own ??= this.#make();
    this.#serial += 1;
    return new WorkingFolder(bundle, join(this.#own, this.#serial.toString(36)));
  }

  /** Resolves when nothing of dead servers is left; never rejects. */
  async removeLeftovers(): Promise<void> {
    const names = await readdir(this.#folder).catch(() => []);
    for (const name of names) {
      const pid = Number(/^(\d+)-/.exec(name)?.[1]);
      const isOurs = this.#own !== undefined && name === basename(this.#own);
      // A number of ours that is not of this life is of an earlier one, as in a container.
      if (!isOurs && (pid === process.pid || !isProcessAlive(pid))) await remove(join(this.#folder, name));
    }
  }

  /** Never rejects. */
  async remove(): Promise<void> {
    if (this.#own !== undefined) await remove(this.#own);
    this.#own = undefined;
  }

  #make(): string {
    // Users that applications run as come through, without a list of the names; each folder in it is private.
    mkdirSync(this.#folder, { recursive: true, mode: 0o711 });
    const own = mkdtempSync(join(this.#folder, `${process.pid}-`));
    chmodSync(own, 0o711);
    return own;
  }
}

/**
 * The private copy of a bundle in which the processes of one place run, one after the other: what they write into it is seen by
 * nobody else, and is gone with the place. Installed packages are not copied: each entry of a `node_modules` is a link to that of
 * the store, since they are many and nobody writes into them. Owned by the place.
 */
export class WorkingFolder {
  readonly path: string;
  readonly #bundle: string;
  #made: Promise<void> | undefined;

  constructor(bundle: string, path: string) {
    this.#bundle = bundle;
    this.path = path;
  }

  /** Copies the bundle the first time; later processes of the place find what those before left. Rejects with what the system says. */
  make(owner: ProcessIdentity | undefined): Promise<void> {
    // An application may have deleted it.
    if (!existsSync(this.path)) this.#made = undefined;
    this.#made ??= this.#make(owner).catch(async (error: unknown) => {
      this.#made = undefined;
      await this.remove();
      throw error;
    });
    return this.#made;
  }

  /** Where a file of the bundle is; what is not in the bundle stays. */
  fileOf(file: string): string {
    const isInside = file.startsWith(join(this.#bundle, sep));
    return isInside ? join(this.path, relative(this.#bundle, file)) : file;
  }

  /** Never rejects: what cannot be deleted now goes with the next start of the server. */
  async remove(): Promise<void> {
    await remove(this.path);
  }

  async #make(owner: ProcessIdentity | undefined): Promise<void> {
    await copyFolder(this.#bundle, this.path, async (path) => {
      if (owner !== undefined) await lchown(path, owner.uid, owner.gid);
    });
  }
}

/** Files that are copied at the same time. */
const AT_ONCE = 16;

/** Called with each thing that was made. */
type Give = (path: string) => Promise<void>;

async function copyFolder(from: string, to: string, give: Give): Promise<void> {
  // Private, whatever is in it: the folder above may be entered by all.
  await mkdir(to, { mode: 0o700 });
  await give(to);
  const entries = await readdir(from, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  while (files.length > 0) {
    const some = files.splice(0, AT_ONCE);
    await Promise.all(some.map((name) => copyOne(join(from, name), join(to, name), give)));
  }
  for (const entry of entries) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isSymbolicLink()) await link(await readlink(source), target, give);
    else if (entry.isDirectory() && entry.name === 'node_modules') await linkPackages(source, target, give);
    else if (entry.isDirectory()) await copyFolder(source, target, give);
  }
}

async function copyOne(from: string, to: string, give: Give): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
  await give(to);
}

/** A folder of its own, so that what tools put beside the packages (`.cache`) is private too. */
async function linkPackages(from: string, to: string, give: Give): Promise<void> {
  await mkdir(to, { mode: 0o700 });
  await give(to);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    // `@scope` holds packages; a link of a package manager leads to the same place in the copy.
    if (entry.isDirectory() && entry.name.startsWith('@')) await linkPackages(source, target, give);
    else await link(entry.isSymbolicLink() ? await readlink(source) : source, target, give);
  }
}

async function link(to: string, path: string, give: Give): Promise<void> {
  await symlink(to, path);
  await give(path);
}

async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
}
