import { MemorySessionStorage } from './memory-session-storage.js';
import { replaceIn, type SessionStorage } from './session-storage.js';

/** Bounds of a `CacheSessionStorage`. */
export interface CacheSessionStorageOptions {
  /** Default 1000. */
  readonly maxSessions?: number;
  /** How long a text may be older than that of the storage behind, when another process changed it. Default 60 000. */
  readonly maxAgeMs?: number;
  /** Milliseconds since the epoch; for tests. */
  readonly now?: () => number;
}

/**
 * Keeps what was read or written in memory for a while, in front of a slower storage. Changes go through to it at once.
 * Another instance that changes or ends a session is seen `maxAgeMs` later.
 */
export class CacheSessionStorage implements SessionStorage {
  readonly #behind: SessionStorage;
  readonly #cache: MemorySessionStorage;
  readonly #maxAgeSeconds: number;

  constructor(behind: SessionStorage, options: CacheSessionStorageOptions = {}) {
    const { maxSessions = 1000, now = Date.now } = options;
    this.#behind = behind;
    this.#cache = new MemorySessionStorage({ maxSessions, now });
    this.#maxAgeSeconds = (options.maxAgeMs ?? 60_000) / 1000;
  }

  async read(id: string): Promise<string | undefined> {
    const cached = this.#cache.read(id);
    if (cached !== undefined) return cached;
    const text = await this.#behind.read(id);
    if (text !== undefined) this.#cache.write(id, text, this.#maxAgeSeconds);
    return text;
  }

  async write(id: string, text: string, ttlSeconds: number): Promise<void> {
    // First of all: when the storage fails, nobody may read what it does not have.
    this.#cache.remove(id);
    await this.#behind.write(id, text, ttlSeconds);
    this.#cache.write(id, text, Math.min(ttlSeconds, this.#maxAgeSeconds));
  }

  async remove(id: string): Promise<void> {
    this.#cache.remove(id);
    await this.#behind.remove(id);
    // A read that was under way may have put it back.
    this.#cache.remove(id);
  }

  async replace(id: string, text: string, ttlSeconds: number): Promise<boolean> {
    this.#cache.remove(id);
    const isReplaced = await replaceIn(this.#behind, id, text, ttlSeconds);
    if (isReplaced) this.#cache.write(id, text, Math.min(ttlSeconds, this.#maxAgeSeconds));
    return isReplaced;
  }

  async touch(id: string, ttlSeconds: number): Promise<boolean> {
    const isThere = (await this.#behind.touch?.(id, ttlSeconds)) !== false;
    if (!isThere) this.#cache.remove(id);
    return isThere;
  }
}
