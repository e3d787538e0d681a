import { rm } from 'node:fs/promises';
import { messageOf } from '../../errors.js';
import type { DeployerLog } from '../collaborators.js';
import type { MarkerFile } from './candidate.js';

/**
 * Deletes `NAME.ready` once it was obeyed, so that the next copy under that name is protected by the stability window
 * again. A marker that cannot be deleted is remembered by the plan, by its signature; here it is said once.
 */
export class ReadyMarkers {
  readonly #log: DeployerLog;
  readonly #left = new Set<string>();

  constructor(log: DeployerLog) {
    this.#log = log;
  }

  /** Never rejects. */
  async consume({ path, signature }: MarkerFile): Promise<void> {
    try {
      await rm(path, { force: true });
    } catch (error) {
      const key = `${path} ${signature}`;
      if (this.#left.has(key)) return;
      this.#left.add(key);
      this.#log.warn(
        { code: 'PORTICO_MARKER_LEFT', err: error },
        `${path} was obeyed but cannot be deleted (${messageOf(error)}); delete it by hand`,
      );
    }
  }
}
