import { messageOf } from '../../errors.js';
import type { ContentStore, DeployerLog } from '../collaborators.js';

/** Leaves a finished rollout some time before its leftovers are looked for; many finish together. */
const COLLECT_DELAY_MS = 1_000;

/** The store as all contexts share it; sees to it that what nobody uses any more is deleted. Owned by the deployer. */
export class SharedStore {
  readonly #store: ContentStore;
  readonly #inUse: () => ReadonlySet<string>;
  readonly #collected: (inUse: ReadonlySet<string>) => void;
  readonly #log: DeployerLog;
  #collecting: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** `inUse`: what must stay; `collected` is told when nothing else is left. */
  constructor(
    store: ContentStore,
    inUse: () => ReadonlySet<string>,
    collected: (inUse: ReadonlySet<string>) => void,
    log: DeployerLog,
  ) {
    this.#store = store;
    this.#inUse = inUse;
    this.#collected = collected;
    this.#log = log;
  }

  /** The caller MUST report the fingerprint as in use in the same turn in which it gets it. */
  put(...put: Parameters<ContentStore['put']>): ReturnType<ContentStore['put']> {
    return this.#store.put(...put);
  }

  /** The folder of a content that is in the store. */
  find(fingerprint: string): string | undefined {
    return this.#store.find(fingerprint);
  }

  /** Something may be out of use now. */
  collectSoon(): void {
    if (this.#isStopped) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.collect();
    }, COLLECT_DELAY_MS).unref();
  }

  /** Deletes what is not in use. Never rejects: leftovers cost space, nothing else. */
  collect(): Promise<void> {
    this.#collecting = this.#collect();
    return this.#collecting;
  }

  /** No collection begins afterwards; resolves when the running one is over. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#collecting;
  }

  async #collect(): Promise<void> {
    try {
      await this.#store.collect(this.#inUse());
      // Whatever came into use meanwhile was kept.
      this.#collected(this.#inUse());
    } catch (error) {
      this.#log.warn(
        { code: 'PORTICO_COLLECT_FAILED', err: error },
        `old expanded bundles could not be deleted: ${messageOf(error)}`,
      );
    }
  }
}
