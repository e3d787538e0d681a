import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../../errors.js';
import { systemCodeOf } from '../../system-error.js';
import type { DeployerLog } from '../collaborators.js';
import { replaceFile } from './replace-file.js';

/**
 * Operators' descriptors as they were, by the hash of their bytes: `work/descriptors/HASH.yaml`. What a deployment was is
 * its bundle and its descriptor, so a rollback needs both. Owned by the deployer.
 */
export class KeptDescriptors {
  readonly #folder: string;
  readonly #log: DeployerLog;

  constructor(workFolder: string, log: DeployerLog) {
    this.#folder = join(workFolder, 'descriptors');
    this.#log = log;
  }

  /** Keeps a copy of the file if it still has this hash. Never rejects: without it, a rollback is not possible later. */
  async keep(path: string, hash: string): Promise<void> {
    if (!isHash(hash) || this.find(hash) !== undefined) return;
    try {
      const bytes = await readFile(path);
      if (createHash('sha256').update(bytes).digest('hex') !== hash) return;
      await mkdir(this.#folder, { recursive: true, mode: 0o700 });
      await replaceFile(this.#path(hash), bytes);
    } catch (error) {
      this.#log.warn(
        { code: 'PORTICO_DESCRIPTOR_NOT_KEPT', err: error },
        `${path} could not be kept for a rollback: ${messageOf(error)}`,
      );
    }
  }

  find(hash: string): string | undefined {
    return isHash(hash) && existsSync(this.#path(hash)) ? this.#path(hash) : undefined;
  }

  /** Deletes all others. Never rejects: leftovers cost space, nothing else. */
  async collect(inUse: ReadonlySet<string>): Promise<void> {
    try {
      for (const file of await readdir(this.#folder)) {
        if (!inUse.has(file.replace(/\.yaml$/, ''))) await rm(join(this.#folder, file), { force: true });
      }
    } catch (error) {
      if (systemCodeOf(error) === 'ENOENT') return;
      this.#log.warn(
        { code: 'PORTICO_COLLECT_FAILED', err: error },
        `old descriptors in ${this.#folder} could not be deleted: ${messageOf(error)}`,
      );
    }
  }

  #path(hash: string): string {
    return join(this.#folder, `${hash}.yaml`);
  }
}

function isHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}
