import { randomBytes } from 'node:crypto';
import { constants, existsSync, renameSync } from 'node:fs';
import { access, chmod, copyFile, mkdir, readdir, realpath, rename, rm, symlink } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { ArchiveLimits } from '../config/host-config.js';
import { messageOf, PorticoError } from '../errors.js';
import { isProcessAlive } from '../process-alive.js';
import { systemCodeOf, systemPathOf } from '../system-error.js';
import { expandArchive } from './archive.js';
import { fingerprintArchive, fingerprintFolder, statSignature } from './fingerprint.js';
import { linkProvidedPackage } from './provided-package.js';
import { quotedName } from './quoted-name.js';
import { storedMode } from './stored-mode.js';
import { walkFolder } from './walk-folder.js';

/**
 * The content-addressed store: one folder `work/store/FINGERPRINT/` for each content of a bundle. Applications run
 * from here, never from the drop folder, so a bundle can be replaced or deleted while its old version still serves.
 * Owned by the deployer; one store per work folder and process. The folders outlive the process; what a crash left
 * half done is removed when the store is first used.
 */
export class BundleStore {
  readonly #workFolder: string;
  readonly #folder: string;
  readonly #limits: ArchiveLimits;
  #prepared: Promise<void> | undefined;
  readonly #building = new Map<string, Promise<StoredBundle>>();
  /** How many calls of `put` are about this content now. */
  readonly #putting = new Map<string, number>();
  /** What each `collect` that waits or runs must keep; whatever is put after its call is added. */
  readonly #kept = new Set<Set<string>>();
  #collecting: Promise<void> = Promise.resolve();

  constructor(workFolder: string, limits: ArchiveLimits) {
    this.#workFolder = workFolder;
    this.#folder = join(workFolder, 'store');
    this.#limits = limits;
  }

  /**
   * Makes the folders, removes leftovers of a crash, and links the `portico` package for the bundles. `put` does this
   * by itself; calling it at start shows trouble early. Throws PorticoError `PORTICO_STORE_UNWRITABLE`.
   */
  prepare(): Promise<void> {
    this.#prepared ??= this.#prepare().catch((error: unknown) => {
      this.#prepared = undefined;
      throw error;
    });
    return this.#prepared;
  }

  /**
   * Takes a snapshot of a bundle. The same content gives the same folder, made once, also when asked for at the same
   * time. Throws PorticoError:
   * - `PORTICO_BUNDLE_CHANGED`: written, moved or removed meanwhile; the caller tries again later;
   * - `PORTICO_ARCHIVE_REFUSED`: see `expandArchive`;
   * - `PORTICO_BUNDLE_UNREADABLE`: a file of the bundle cannot be read;
   * - `PORTICO_STORE_UNWRITABLE`: no space or no permission in the work folder.
   * Nothing is left in the store after an error. `fingerprinted` is called when the bundle has been read, before it is
   * expanded.
   */
  async put(
    bundle: BundleSource,
    signal?: AbortSignal,
    fingerprinted?: (fingerprint: string) => void,
  ): Promise<StoredBundle> {
    await this.prepare();
    // A bundle may be put into the drop folder as a link to it; what it leads to is what is read.
    const path = await reading(bundle.path, () => realpath(bundle.path));
    const source: BundleSource = { kind: bundle.kind, path };
    const before = await reading(path, () => statSignature(path));
    if (before === undefined) throw changed(bundle.path, 'is not there any more');
    const fingerprint = await reading(path, () =>
      bundle.kind === 'archive' ? fingerprintArchive(path) : fingerprintFolder(path),
    );
    signal?.throwIfAborted();
    // From here to the look at the store nothing waits, so no `collect` comes in between.
    for (const kept of this.#kept) kept.add(fingerprint);
    this.#putting.set(fingerprint, (this.#putting.get(fingerprint) ?? 0) + 1);
    fingerprinted?.(fingerprint);
    try {
      return await this.#obtain(source, before, fingerprint, signal);
    } finally {
      const others = (this.#putting.get(fingerprint) ?? 1) - 1;
      if (others === 0) this.#putting.delete(fingerprint);
      else this.#putting.set(fingerprint, others);
    }
  }

  /** The folder of a content that is in the store. */
  find(fingerprint: string): string | undefined {
    const folder = join(this.#folder, fingerprint);
    return isFingerprint(fingerprint) && existsSync(folder) ? folder : undefined;
  }

  /** Removes one content nobody uses any more. Harmless when it is not there. */
  async release(fingerprint: string): Promise<void> {
    if (!isFingerprint(fingerprint) || this.#putting.has(fingerprint)) return;
    await this.#remove(fingerprint);
  }

  /**
   * Removes every content that is not in use. What `put` is about at the time of the call, or gives out later while this
   * waits for an earlier one or runs, is kept.
   */
  collect(inUse: ReadonlySet<string>): Promise<void> {
    const kept = new Set([...inUse, ...this.#putting.keys()]);
    this.#kept.add(kept);
    const run = this.#collecting
      .then(() => this.#collect(kept))
      .finally(() => {
        this.#kept.delete(kept);
      });
    this.#collecting = run.catch(() => undefined);
    return run;
  }

  async #prepare(): Promise<void> {
    try {
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      for (const name of await readdir(this.#folder)) {
        if (isLeftover(name)) await rm(join(this.#folder, name), { recursive: true, force: true });
      }
    } catch (cause) {
      throw unwritable(this.#folder, cause);
    }
    linkProvidedPackage(this.#workFolder);
  }

  async #obtain(
    bundle: BundleSource,
    before: string,
    fingerprint: string,
    signal: AbortSignal | undefined,
  ): Promise<StoredBundle> {
    const folder = join(this.#folder, fingerprint);
    if (existsSync(folder))
      return { fingerprint, folder, notes: await reading(bundle.path, () => notesOf(bundle)) };
    let build = this.#building.get(fingerprint);
    if (build === undefined) {
      build = this.#build(bundle, before, fingerprint, signal).finally(() =>
        this.#building.delete(fingerprint),
      );
      this.#building.set(fingerprint, build);
    }
    return build;
  }

  async #build(
    bundle: BundleSource,
    before: string,
    fingerprint: string,
    signal: AbortSignal | undefined,
  ): Promise<StoredBundle> {
    const temporary = join(this.#folder, temporaryName());
    const folder = join(this.#folder, fingerprint);
    try {
      const notes = await this.#snapshot(bundle, temporary, signal);
      const after = await reading(bundle.path, () => statSignature(bundle.path));
      if (after !== before) throw changed(bundle.path, 'was changed while it was read');
      if (bundle.kind === 'folder' && (await fingerprintFolder(temporary)) !== fingerprint) {
        throw changed(bundle.path, 'was changed while it was read');
      }
      await this.#publish(temporary, folder);
      return { fingerprint, folder, notes };
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      if (error instanceof PorticoError || signal?.aborted === true) throw error;
      throw await blame(bundle, this.#folder, error);
    }
  }

  async #snapshot(
    bundle: BundleSource,
    temporary: string,
    signal: AbortSignal | undefined,
  ): Promise<string[]> {
    if (bundle.kind === 'folder') return copyFolder(bundle.path, temporary, signal);
    await expandArchive(bundle.path, temporary, this.#limits, signal);
    return [];
  }

  /** One rename makes it visible. Another process may have been first with the same content: then that one stays. */
  async #publish(temporary: string, folder: string): Promise<void> {
    try {
      await rename(temporary, folder);
    } catch (error) {
      if (!existsSync(folder)) throw error;
      await rm(temporary, { recursive: true, force: true });
    }
  }

  async #collect(kept: ReadonlySet<string>): Promise<void> {
    await this.prepare();
    for (const name of await readdir(this.#folder)) {
      if (isFingerprint(name) && !kept.has(name)) await this.#remove(name);
    }
  }

  /** Renamed first, at once, so that a folder under its fingerprint is always whole. */
  async #remove(fingerprint: string): Promise<void> {
    const aside = join(this.#folder, temporaryName());
    try {
      renameSync(join(this.#folder, fingerprint), aside);
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return;
      throw unwritable(this.#folder, error);
    }
    await rm(aside, { recursive: true, force: true, maxRetries: 2 });
  }
}

/** What is to be put into the store. */
export interface BundleSource {
  readonly kind: 'folder' | 'archive';
  /** Absolute. */
  readonly path: string;
}

/** One content of the store. */
export interface StoredBundle {
  /** 64 hex digits. */
  readonly fingerprint: string;
  /** Absolute; the root of the bundle. */
  readonly folder: string;
  /** Things worth a log line: sockets and pipes that were left out. */
  readonly notes: readonly string[];
}

/** Tells leftovers of this process from those of an earlier one with the same pid, as in a container. */
const PROCESS_TOKEN = `${process.pid}-${randomBytes(4).toString('hex')}`;
let serial = 0;

function temporaryName(): string {
  return `.tmp-${PROCESS_TOKEN}-${serial++}`;
}

/** Whether this is a half-made folder whose maker is gone. */
function isLeftover(name: string): boolean {
  const match = /^\.tmp-((\d+)-[0-9a-f]+)-\d+/.exec(name);
  if (match === null) return name.startsWith('.tmp-');
  if (match[1] === PROCESS_TOKEN) return false;
  const pid = Number(match[2]);
  return pid === process.pid || !isProcessAlive(pid);
}

function isFingerprint(name: string): boolean {
  return /^[0-9a-f]{64}$/.test(name);
}

async function notesOf(bundle: BundleSource): Promise<string[]> {
  const notes: string[] = [];
  if (bundle.kind === 'archive') return notes;
  for await (const item of walkFolder(bundle.path))
    if (item.kind === 'special') notes.push(skipped(item.path));
  return notes;
}

/**
 * Copies an exploded bundle, sharing blocks where the file system can. Links stay links: those within the bundle lead
 * to the copy, those that leave it lead where they led, as workspaces of a package manager need. Permissions are kept
 * without setuid, setgid and the right of others to write; see `storedMode`.
 */
async function copyFolder(from: string, to: string, signal: AbortSignal | undefined): Promise<string[]> {
  const notes: string[] = [];
  await mkdir(to);
  for await (const item of walkFolder(from)) {
    signal?.throwIfAborted();
    const target = join(to, item.path);
    if (item.kind === 'folder') await mkdir(target);
    else if (item.kind === 'link') await symlink(item.target ?? '', target);
    else if (item.kind === 'special') notes.push(skipped(item.path));
    else {
      await copyFile(item.absolute, target, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
      await chmod(target, storedMode(item.path, item.stat.mode));
    }
  }
  return notes;
}

function skipped(path: string): string {
  return `${quotedName(path)} is a socket, pipe or device and is left out`;
}

/** Runs what only reads the bundle; its system errors are errors of the bundle. */
async function reading<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof PorticoError) throw error;
    const code = systemCodeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') throw changed(path, 'was changed while it was read', error);
    throw new PorticoError('PORTICO_BUNDLE_UNREADABLE', `${path} cannot be read: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Whether a failed copy is the fault of the bundle or of the store. */
async function blame(bundle: BundleSource, storeFolder: string, error: unknown): Promise<PorticoError> {
  const path = systemPathOf(error) ?? '';
  const isOfBundle = path === bundle.path || path.startsWith(bundle.path + sep);
  if (!isOfBundle || systemCodeOf(error) === 'ENOSPC') return unwritable(storeFolder, error);
  try {
    await access(path, constants.R_OK);
    return unwritable(storeFolder, error);
  } catch (cause) {
    if (systemCodeOf(cause) === 'ENOENT' || systemCodeOf(cause) === 'ENOTDIR')
      return changed(bundle.path, 'was changed while it was read', error);
    return new PorticoError('PORTICO_BUNDLE_UNREADABLE', `${path} cannot be read: ${messageOf(cause)}`, {
      cause: error,
    });
  }
}

function changed(path: string, what: string, cause?: unknown): PorticoError {
  return new PorticoError(
    'PORTICO_BUNDLE_CHANGED',
    `${path} ${what}: it is looked at again when it is stable`,
    { cause },
  );
}

function unwritable(folder: string, cause: unknown): PorticoError {
  const full =
    systemCodeOf(cause) === 'ENOSPC' || systemCodeOf(cause) === 'EDQUOT' ? ' (the disk is full)' : '';
  return new PorticoError(
    'PORTICO_STORE_UNWRITABLE',
    `${folder} cannot be written${full}: ${messageOf(cause)}`,
    { cause },
  );
}
