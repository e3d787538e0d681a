import { messageOf } from '../errors.js';
import type { ContextParts } from './context-parts.js';
import { isSound, keptOf } from './history/deployment-history.js';
import type { Serving } from './serving.js';
import type { Prepared, Version } from './version.js';

/**
 * When content that served before is taken instead of what lies in the drop folder: after a rollback, and when new content
 * has failed. Owned by the context; runs in its line only.
 */
export class KeptInstead {
  readonly #parts: ContextParts;
  readonly #serving: Serving;

  constructor(parts: ContextParts, serving: Serving) {
    this.#parts = parts;
    this.#serving = serving;
  }

  /** After a rollback the content of before serves, as long as the drop folder holds what was rolled back. */
  async unlessPinned(version: Version, dropped: Prepared): Promise<Prepared> {
    const { name } = version;
    const pin = this.#parts.pinOf(name);
    if (pin === undefined) return dropped;
    if (pin.instead !== dropped.key) {
      await this.#parts.unpin(name);
      return dropped;
    }
    if (version.prepared?.key === pin.key) {
      dropped.entry.drop();
      return version.prepared;
    }
    try {
      const kept = await this.#serving.comeback.prepare(version, pin, 'rollback');
      dropped.entry.drop();
      this.#serving.say(
        version,
        `serves the content of deployment ${pin.number}, to which it was rolled back`,
      );
      return kept;
    } catch (error) {
      this.#serving.say(version, `is not rolled back any more: ${messageOf(error)}`);
      await this.#parts.unpin(name);
      return dropped;
    }
  }

  /** New content has failed and nothing of the name serves, as after a restart: what served last does. */
  async fallBack(version: Version): Promise<void> {
    const { name, wish, rejected } = version;
    if (wish !== 'failed' || this.#parts.isDevelopment || this.#serving.isClosing) return;
    if (version.order.isMove || this.#serving.live.of(version) !== undefined) return;
    const journal = this.#parts.deployments();
    const records = journal.of(name);
    const others = keptOf(records, journal.limitOf(name)).filter((record) => record.key !== rejected);
    const last = others.findLast((record) => isSound(records, record.key)) ?? others.at(-1);
    const { fingerprint, key, descriptor } = last ?? {};
    if (last === undefined || fingerprint === undefined || key === undefined) return;
    const { reason } = version;
    this.#serving.say(version, `falls back to the content of deployment ${last.number}`);
    if (await this.#serving.comeback.launch(version, { fingerprint, key, descriptor }, 'return')) return;
    version.wish = 'failed';
    version.reason = reason;
    version.rejected = rejected;
    await this.#serving.settle();
  }
}
