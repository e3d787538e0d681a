import { type Dirent, readdirSync, type Stats, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

/** Time without a change that ends a wave of changes, in ms. */
export const QUIET_MS = 200;
/** A wave of changes that does not end is taken as it is after this time. */
const MAX_WAVE_MS = 10_000;
/** Time between two looks while a wave goes on. */
const LOOK_MS = 50;
/** More files and folders than these are not looked at, whether they match or not. */
export const MAX_ENTRIES = 20_000;
/** So many are looked at for every request. */
const FEW_ENTRIES = 500;
/** With more of them looks may take a fifth of the time: after each the next is put off. */
const REST = 4;

/**
 * Tells whether watched files have changed since it was last asked. Looks when it is asked, at sizes and times of the
 * files: nothing is watched in between, so nothing is missed and nothing has to be closed.
 *
 * A pattern that is the path of a file or folder watches it; any other watches the files below the working directory
 * whose path contains it, without regard to case. `node_modules` and names that begin with a dot are never watched. Links are
 * followed, each folder once.
 */
export class SourceWatch {
  readonly #patterns: readonly string[];
  readonly #root: string;
  #seen: string;
  readonly #maxEntries: number;
  #last: Look;
  #nextLook = 0;

  constructor(patterns: readonly string[], root: string = process.cwd(), maxEntries: number = MAX_ENTRIES) {
    this.#patterns = patterns;
    this.#root = root;
    this.#maxEntries = maxEntries;
    this.#last = new Look(maxEntries);
    this.#seen = this.#look();
  }

  /** Files that are watched. */
  get fileCount(): number {
    return this.#last.files.size;
  }

  /** True when there is more below the watched paths than is looked at. */
  get isCut(): boolean {
    return this.#last.isFull;
  }

  /** True once for each change. */
  hasChanged(): boolean {
    const begin = performance.now();
    if (begin < this.#nextLook) return false;
    const now = this.#look();
    const tookMs = performance.now() - begin;
    this.#nextLook = this.#last.entries <= FEW_ENTRIES ? 0 : begin + tookMs * (1 + REST);
    if (now === this.#seen) return false;
    this.#seen = now;
    return true;
  }

  /** Resolves when nothing has changed for a while. */
  async quiet(): Promise<void> {
    const begin = performance.now();
    let last = begin;
    while (performance.now() - last < QUIET_MS && performance.now() - begin < MAX_WAVE_MS) {
      await new Promise((done) => setTimeout(done, LOOK_MS));
      this.#nextLook = 0;
      if (this.hasChanged()) last = performance.now();
    }
  }

  #look(): string {
    const look = new Look(this.#maxEntries);
    for (const pattern of this.#patterns) {
      const path = resolve(this.#root, pattern);
      const stat = statOf(path);
      if (stat?.isFile() === true) look.file(path, stat);
      else if (stat?.isDirectory() === true) look.folder(path, () => true);
      else {
        const wanted = pattern.toLowerCase();
        look.folder(this.#root, (file) => relative(this.#root, file).toLowerCase().includes(wanted));
      }
    }
    this.#last = look;
    return [...look.files.entries()].map((entry) => entry.join('|')).join('\n');
  }
}

/** One look at everything that is watched. */
class Look {
  /** What changes with each file. */
  readonly files = new Map<string, string>();
  entries = 0;
  /** Folders that links have led to. */
  readonly #linked = new Set<string>();
  readonly #maxEntries: number;
  isFull = false;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  file(path: string, { mtimeMs, size, ino }: Stats): void {
    this.files.set(path, `${mtimeMs}|${size}|${ino}`);
  }

  folder(folder: string, isWanted: (file: string) => boolean): void {
    let entries: Dirent[];
    try {
      entries = readdirSync(folder, { withFileTypes: true });
    } catch {
      // Removed, or not ours to read, between two looks: there is nothing to watch in it.
      return;
    }
    for (const entry of entries) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
      this.isFull ||= this.entries >= this.#maxEntries;
      if (this.isFull) return;
      this.entries++;
      const path = join(folder, entry.name);
      if (entry.isDirectory()) this.folder(path, isWanted);
      else if (entry.isSymbolicLink()) this.#link(path, isWanted);
      else if (isWanted(path)) this.#fileAt(path, statOf(path));
    }
  }

  #link(path: string, isWanted: (file: string) => boolean): void {
    const stat = statOf(path);
    if (stat?.isDirectory() !== true) {
      if (isWanted(path)) this.#fileAt(path, stat);
      return;
    }
    const identity = `${stat.dev}|${stat.ino}`;
    // Links may lead in a circle.
    if (this.#linked.has(identity)) return;
    this.#linked.add(identity);
    this.folder(path, isWanted);
  }

  #fileAt(path: string, stat: Stats | undefined): void {
    if (stat !== undefined) this.file(path, stat);
  }
}

/** Undefined for what is not there, and for what cannot be looked at: a link to itself, a name that no file can have. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
