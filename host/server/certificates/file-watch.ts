import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Files are believed whole when nothing has happened to them for this long. */
const QUIET_MS = 500;

/**
 * Calls back soon after files have changed, as far as the system tells; whoever must not miss a change looks from time to time
 * as well. Watches the folders: files are replaced by renaming others, and names may be links that come to lead elsewhere.
 */
export class FileWatch {
  readonly #watchers: FSWatcher[] = [];
  readonly #changed: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** `changed`: the files have been quiet for a moment after a change. */
  constructor(files: readonly string[], changed: () => void) {
    this.#changed = changed;
    for (const folder of new Set(files.map((file) => dirname(file)))) this.#watch(folder, files);
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
  }

  #watch(folder: string, files: readonly string[]): void {
    const names = new Set(files.filter((file) => dirname(file) === folder).map((file) => basename(file)));
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        // A link `..data`, as clusters use it, changes what the names beside it mean.
        if (name === null || names.has(name) || name.startsWith('..')) this.#soon();
      });
      // The folder has gone, or may not be watched any more: the looks remain.
      watcher.on('error', () => watcher.close());
      this.#watchers.push(watcher);
    } catch {
      // No folder yet, or no watches left in the system: the looks remain.
    }
  }

  #soon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#changed, QUIET_MS).unref();
  }
}
