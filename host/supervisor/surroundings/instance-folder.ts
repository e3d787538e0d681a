import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, symlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ProcessIdentity } from './process-identity.js';

/**
 * What one process has for itself: the path of its socket and a temporary folder, mode 0700. Without a user of its own both lie
 * in the private folder of the server, which no other user may enter; with one they lie in a folder of that user in the system's
 * folder for temporary files, and a link in the private folder tells the next server of it. Owned by the process, and ends with
 * it.
 */
export class InstanceFolder {
  readonly socketPath: string;
  readonly temporary: string;
  readonly #away: { readonly path: string; readonly link: string } | undefined;

  /** `socketPath` is a fresh path in the private folder. Nothing is made yet. */
  constructor(socketPath: string, hasOwnUser: boolean) {
    const base = socketPath.replace(/\.sock$/, '');
    if (!hasOwnUser) {
      this.socketPath = socketPath;
      this.temporary = `${base}.tmp`;
      return;
    }
    // Nobody can guess the name, and mkdir takes no folder that is there.
    const path = join(tmpdir(), `portico-${randomBytes(8).toString('hex')}`);
    this.#away = { path, link: `${base}${AWAY}` };
    this.socketPath = join(path, 'x.sock');
    this.temporary = join(path, 'tmp');
  }

  /** Makes the folders. Throws what the system says. */
  create(owner: ProcessIdentity | undefined): void {
    const away = this.#away;
    if (away !== undefined) {
      mkdirSync(dirname(away.link), { recursive: true, mode: 0o700 });
      symlinkSync(away.path, away.link);
      give(away.path, owner);
    }
    give(this.temporary, owner);
  }

  /** Never rejects: what cannot be deleted now goes with the private folder. */
  async remove(): Promise<void> {
    const paths = this.#away === undefined ? [this.temporary] : [this.#away.path, this.#away.link];
    for (const path of paths) {
      await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch(() => undefined);
    }
  }
}

/** End of the name of a link that leads to a folder elsewhere. */
export const AWAY = '.away';

function give(folder: string, owner: ProcessIdentity | undefined): void {
  mkdirSync(folder, { mode: 0o700 });
  // Whatever the umask of the host takes away.
  chmodSync(folder, 0o700);
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid);
}
