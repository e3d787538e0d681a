import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { SessionStorage } from './session-storage.js';

const SWEEP_INTERVAL_MS = 3_600_000;
const SESSION_FILE = /^[0-9a-f]{64}(?:\..*)?$/;

/**
 * Sessions in a folder, one file each, which survive the process and are shared by instances on one machine. The name of
 * a file is the SHA-256 of the id, so an id can neither name another file nor be read from the folder. The time of change
 * of a file is the time at which the session ends. Files are replaced as a whole: a reader sees the old text or the new.
 */
export class DirectorySessionStorage implements SessionStorage {
  readonly #folder: string;
  readonly #now: () => number;
  #sweptMs = 0;

  /** `folder` is made when it is missing, for this user only. */
  constructor(folder: string, options: { readonly now?: () => number } = {}) {
    this.#folder = path.resolve(folder);
    this.#now = options.now ?? Date.now;
  }

  async read(id: string): Promise<string | undefined> {
    const file = this.#fileOf(id);
    try {
      if ((await stat(file)).mtimeMs > this.#now()) return await readFile(file, 'utf8');
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
    await rm(file, { force: true });
    return undefined;
  }

  async write(id: string, text: string, ttlSeconds: number): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const file = this.#fileOf(id);
    const next = `${file}.${randomUUID()}`;
    try {
      await writeFile(next, text, { mode: 0o600, flag: 'wx' });
      await this.#setEnd(next, ttlSeconds);
      await rename(next, file);
    } catch (error) {
      await rm(next, { force: true });
      throw error;
    }
    if (this.#now() - this.#sweptMs < SWEEP_INTERVAL_MS) return;
    // Nobody waits for it, however many files there are. What it cannot remove is tried again in an hour, and is no
    // session until then, by the time of its file.
    this.sweep().catch(() => undefined);
  }

  async replace(id: string, text: string, ttlSeconds: number): Promise<boolean> {
    if ((await this.read(id)) === undefined) return false;
    await this.write(id, text, ttlSeconds);
    return true;
  }

  async remove(id: string): Promise<void> {
    await rm(this.#fileOf(id), { force: true });
  }

  async touch(id: string, ttlSeconds: number): Promise<boolean> {
    try {
      await this.#setEnd(this.#fileOf(id), ttlSeconds);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  /** Removes the files of sessions that have ended; also done once an hour by `write`. */
  async sweep(): Promise<void> {
    this.#sweptMs = this.#now();
    for (const name of await readdir(this.#folder)) {
      if (!SESSION_FILE.test(name)) continue;
      const file = path.join(this.#folder, name);
      // A file that is just being written has no end yet.
      const endMs = this.#now() - (name.includes('.') ? SWEEP_INTERVAL_MS : 0);
      try {
        if ((await stat(file)).mtimeMs <= endMs) await rm(file, { force: true });
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    }
  }

  #setEnd(file: string, ttlSeconds: number): Promise<void> {
    const end = new Date(this.#now() + ttlSeconds * 1000);
    return utimes(file, end, end);
  }

  #fileOf(id: string): string {
    return path.join(this.#folder, createHash('sha256').update(id).digest('hex'));
  }
}

/** Another instance was quicker. */
function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT';
}
