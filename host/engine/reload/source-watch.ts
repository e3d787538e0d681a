import { type Dirent, readdirSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

/** Time without a change that ends a wave of changes, in ms. */
export const QUIET_MS = 200;
/** A wave of changes that does not end is taken as it is after this time. */
export const MAX_WAVE_MS = 10_000;
/** Time between two looks while a wave goes on. */
const LOOK_MS = 50;
/** More files than these are not looked at. */
const MAX_FILES = 20_000;
/** So many files are looked at for every request. */
const FEW_FILES = 500;
/** With more files looks may take a fifth of the time: after each the next is put off. */
const REST = 4;

/**
 * Tells whether watched files have changed since it was last asked. Looks when it is asked, at sizes and times of the
 * files: nothing is watched in between, so nothing is missed and nothing has to be closed.
 *
 * A pattern that is the path of a file or folder watches it; any other watches the files below the working directory
 * whose path contains it, without regard to case. `node_modules` and names that begin with a dot are never watched.
 */
export class SourceWatch {
  readonly #patterns: readonly string[];
  readonly #root: string;
  #seen: string;
  #fileCount = 0;
  #nextLook = 0;

  constructor(patterns: readonly string[], root: string = process.cwd()) {
    this.#patterns = patterns;
    this.#root = root;
    this.#seen = this.#look();
  }

  /** Files that are watched. */
  get fileCount(): number {
    return this.#fileCount;
  }

  /** True once for each change. */
  hasChanged(): boolean {
    const begin = performance.now();
    if (begin < this.#nextLook) return false;
    const now = this.#look();
    const tookMs = performance.now() - begin;
    this.#nextLook = this.#fileCount <= FEW_FILES ? 0 : begin + tookMs * (1 + REST);
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
    const files = new Map<string, string>();
    for (const pattern of this.#patterns) {
      const path = resolve(this.#root, pattern);
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat?.isFile() === true) addFile(path, files);
      else if (stat?.isDirectory() === true) addFolder(path, files, () => true);
      else {
        const wanted = pattern.toLowerCase();
        addFolder(this.#root, files, (file) => relative(this.#root, file).toLowerCase().includes(wanted));
      }
    }
    this.#fileCount = files.size;
    return [...files.entries()].map((entry) => entry.join('|')).join('\n');
  }
}

function addFolder(folder: string, files: Map<string, string>, isWanted: (file: string) => boolean): void {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    // Removed, or not ours to read, between two looks: there is nothing to watch in it.
    return;
  }
  for (const entry of entries) {
    if (entry.name.startsWith('.') || entry.name === 'node_modules' || files.size >= MAX_FILES) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) addFolder(path, files, isWanted);
    else if (isWanted(path)) addFile(path, files);
  }
}

function addFile(path: string, files: Map<string, string>): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat !== undefined) files.set(path, `${stat.mtimeMs}|${stat.size}|${stat.ino}`);
}
