import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ApplicationStatus } from '../deployer/application-status.js';

/** What a catalog follows: the deployer. */
export interface CatalogSource {
  list(): readonly ApplicationStatus[];
  onChange(listener: (name: string) => void): unknown;
}

/**
 * A file that lists what is mounted, for applications whose descriptor asks for it (`servlet.catalog: true`): the
 * welcome page is one. Holds paths, names, kinds and states, nothing else. Written in one step, at most once in a
 * turn of the event loop.
 */
export class Catalog {
  readonly file: string;
  #isPending = false;

  constructor(runFolder: string) {
    const folder = join(runFolder, 'catalog');
    mkdirSync(folder, { recursive: true });
    this.file = join(folder, 'applications.json');
    this.#write([]);
  }

  /** Writes the file anew whenever the status of an application changes. */
  follow(source: CatalogSource): void {
    source.onChange(() => {
      if (this.#isPending) return;
      this.#isPending = true;
      setImmediate(() => {
        this.#isPending = false;
        this.#write(source.list());
      });
    });
  }

  #write(applications: readonly ApplicationStatus[]): void {
    const entries = applications.map(({ name, path, state, kind }) => ({ name, path, state, kind }));
    writeFileSync(`${this.file}.new`, JSON.stringify(entries));
    renameSync(`${this.file}.new`, this.file);
  }
}
