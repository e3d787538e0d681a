import type { SessionStorage } from './session-storage.js';

/** Bounds of a `MemorySessionStorage`. */
export interface MemorySessionStorageOptions {
  /** Beyond that the session that was used longest ago is forgotten. Default 100 000. */
  readonly maxSessions?: number;
  /** Milliseconds since the epoch; for tests. */
  readonly now?: () => number;
}

interface Stored {
  readonly text: string;
  readonly endMs: number;
}

/** Sessions in the memory of this process: gone with it, and not seen by other instances of the application. */
export class MemorySessionStorage implements SessionStorage {
  /** Longest unused first. */
  readonly #sessions = new Map<string, Stored>();
  readonly #maxSessions: number;
  readonly #now: () => number;

  constructor(options: MemorySessionStorageOptions = {}) {
    this.#maxSessions = options.maxSessions ?? 100_000;
    this.#now = options.now ?? Date.now;
  }

  /** Sessions held, with those that have ended and were not asked for since. */
  get size(): number {
    return this.#sessions.size;
  }

  read(id: string): string | undefined {
    const stored = this.#sessions.get(id);
    if (stored === undefined) return undefined;
    if (stored.endMs > this.#now()) return stored.text;
    this.#sessions.delete(id);
    return undefined;
  }

  write(id: string, text: string, ttlSeconds: number): void {
    this.#sessions.delete(id);
    this.#sessions.set(id, { text, endMs: this.#now() + ttlSeconds * 1000 });
    this.#dropOldest();
  }

  remove(id: string): void {
    this.#sessions.delete(id);
  }

  replace(id: string, text: string, ttlSeconds: number): boolean {
    if (this.read(id) === undefined) return false;
    this.write(id, text, ttlSeconds);
    return true;
  }

  touch(id: string, ttlSeconds: number): boolean {
    const text = this.read(id);
    return text !== undefined && this.replace(id, text, ttlSeconds);
  }

  /** With one time to live for all, as it nearly always is, those that have ended are the first of the map. */
  #dropOldest(): void {
    const nowMs = this.#now();
    for (const [id, { endMs }] of this.#sessions) {
      if (endMs > nowMs && this.#sessions.size <= this.#maxSessions) return;
      this.#sessions.delete(id);
    }
  }
}
