import type { Prepared, Version } from '../version.js';
import { keptOf } from './deployment-history.js';
import type { DeploymentJournal } from './deployment-journal.js';
import type { DeploymentRecord } from './deployment-record.js';
import { type DeploymentView, viewsOf } from './deployment-view.js';
import type { Journal, Pin } from './journal.js';
import type { KeptDescriptors } from './kept-descriptors.js';

/**
 * Which contents are kept to go back to, and which of them serve instead of what lies in the drop folder. Owned by the
 * deployer, who owns what it is made of.
 */
export class KeptContents {
  readonly #journal: Journal;
  readonly #deployments: DeploymentJournal;
  readonly #descriptors: KeptDescriptors;

  constructor(journal: Journal, deployments: DeploymentJournal, descriptors: KeptDescriptors) {
    this.#journal = journal;
    this.#deployments = deployments;
    this.#descriptors = descriptors;
  }

  /** What an application was rolled back to. */
  pinOf(name: string): Pin | undefined {
    return this.#journal.pins.get(name);
  }

  /** This content serves from now on, after a restart too, until the drop folder has other content than now. */
  async pin(
    { name, dropped = '' }: Version,
    { fingerprint, key, descriptor, entry }: Prepared,
  ): Promise<void> {
    const { number } = entry;
    if (dropped === key) this.#journal.pins.delete(name);
    else this.#journal.pins.set(name, { fingerprint, key, descriptor, number, instead: dropped });
    await this.#journal.save();
  }

  async unpin(name: string): Promise<void> {
    if (this.#journal.pins.delete(name)) await this.#journal.save();
  }

  /** What became of each deployment, newest first; undefined when there was none. */
  views(name: string): readonly DeploymentView[] | undefined {
    const records = this.#deployments.of(name);
    if (records.length === 0) return undefined;
    return viewsOf(records, this.#deployments.limitOf(name), this.pinOf(name));
  }

  /** Fingerprints to keep. An application that is not `here` any more takes its history with it. */
  fingerprints(isHere: (name: string) => boolean): (string | undefined)[] {
    return this.#kept(isHere).map(({ fingerprint }) => fingerprint);
  }

  /** The store holds nothing but this; so the descriptors of all else go too, but for `descriptors`, which are in use. */
  collected(
    inUse: ReadonlySet<string>,
    descriptors: readonly (string | undefined)[],
    isHere: (name: string) => boolean,
  ): void {
    this.#deployments.collected(inUse);
    const hashes = [...descriptors, ...this.#kept(isHere).map(({ descriptor }) => descriptor)];
    void this.#descriptors.collect(new Set(hashes.filter((hash) => hash !== undefined)));
  }

  #kept(isHere: (name: string) => boolean): DeploymentRecord[] {
    const names = [...this.#deployments.all().keys()].filter(isHere);
    return names.flatMap((name) => [...keptOf(this.#deployments.of(name), this.#deployments.limitOf(name))]);
  }
}
