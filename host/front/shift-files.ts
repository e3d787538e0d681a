import { rename } from 'node:fs/promises';
import { systemCodeOf } from '../system-error.js';

/**
 * Makes room for a new log file: `access.log` becomes `access.log.1`, that `access.log.2`, up to `kept`; what was there is
 * replaced. Files that are not there are passed over. Rejects with the error of the system.
 */
export async function shiftFiles(path: string, kept: number): Promise<void> {
  for (let index = kept; index >= 1; index--) {
    const from = index === 1 ? path : `${path}.${index - 1}`;
    await rename(from, `${path}.${index}`).catch((error: unknown) => {
      if (systemCodeOf(error) !== 'ENOENT') throw error;
    });
  }
}
