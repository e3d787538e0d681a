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
 * welcome page is one. Holds hosts, paths, names, kinds and states, nothing else. Written in one step, at most once in
 * WRITE_INTERVAL_MS: a thousand applications that start together are not a thousand files.
 */
export class Catalog {
  readonly file: string;
  readonly #defaultHost: () => string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #writtenAt = Number.NEGATIVE_INFINITY;

  /** `defaultHost` gives the name of the default host, if it has one. */
  constructor(runFolder: string, defaultHost: () => string | undefined) {
    this.#defaultHost = defaultHost;
    const folder = join(runFolder, 'catalog');
    mkdirSync(folder, { recursive: true });
    this.file = join(folder, 'applications.json');
    this.#write([]);
  }

  /** Writes the file anew whenever the status of an application changes. */
  follow(source: CatalogSource): void {
    source.onChange(() => {
      if (this.#timer !== undefined) return;
      const waitMs = Math.max(0, this.#writtenAt + WRITE_INTERVAL_MS - performance.now());
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#writtenAt = performance.now();
        this.#write(source.list());
      }, waitMs);
      this.#timer.unref();
    });
  }

  #write(applications: readonly ApplicationStatus[]): void {
    const entries = applications.map(({ name, host, path, state, kind }) => ({
      name,
      // Left out: the host of most, which is the one that whoever reads this is on.
      host: host === this.#defaultHost() ? undefined : host,
      path,
      state,
      kind,
    }));
    writeFileSync(`${this.file}.new`, JSON.stringify(entries));
    renameSync(`${this.file}.new`, this.file);
  }
}

const WRITE_INTERVAL_MS = 100;
