import { messageOf } from '../errors.js';
import type { ContentStore, DeployerLog } from './collaborators.js';

/** Leaves a finished rollout some time before its leftovers are looked for; many finish together. */
const COLLECT_DELAY_MS = 1_000;

/** The store as all contexts share it: content is collected only while nothing is being put. Owned by the deployer. */
export class SharedStore {
  readonly #store: ContentStore;
  readonly #inUse: () => ReadonlySet<string>;
  readonly #log: DeployerLog;
  #puts = 0;
  #collecting: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(store: ContentStore, inUse: () => ReadonlySet<string>, log: DeployerLog) {
    this.#store = store;
    this.#inUse = inUse;
    this.#log = log;
  }

  /** The caller MUST report the fingerprint as in use in the same turn in which it gets it. */
  async put(source: Parameters<ContentStore['put']>[0]): ReturnType<ContentStore['put']> {
    while (this.#collecting !== undefined) await this.#collecting;
    this.#puts++;
    try {
      return await this.#store.put(source);
    } finally {
      this.#puts--;
    }
  }

  /** Something may be out of use now. */
  collectSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#puts > 0) this.collectSoon();
      else void this.collect();
    }, COLLECT_DELAY_MS).unref();
  }

  /** Deletes what is not in use. Never rejects: leftovers cost space, nothing else. */
  collect(): Promise<void> {
    if (this.#puts > 0) {
      this.collectSoon();
      return Promise.resolve();
    }
    this.#collecting ??= this.#store
      .collect(this.#inUse())
      .then(
        () => undefined,
        (error: unknown) => {
          this.#log.warn(
            { code: 'PORTICO_COLLECT_FAILED', err: error },
            `old expanded bundles could not be deleted: ${messageOf(error)}`,
          );
        },
      )
      .finally(() => {
        this.#collecting = undefined;
      });
    return this.#collecting;
  }

  /** No collection begins by itself afterwards; resolves when the running one is over. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#collecting;
  }
}
