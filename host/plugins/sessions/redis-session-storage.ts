import type { SessionStorage } from './session-storage.js';

/** What is needed of a client of Redis; that of the package `redis` fits. */
export interface RedisClient {
  get(key: string): Promise<unknown>;
  /** Gives null, or undefined, when there was nothing for `XX` to replace. */
  set(key: string, value: string, options: { readonly EX: number; readonly XX?: true }): Promise<unknown>;
  del(key: string): Promise<unknown>;
  /** Without it sessions end a fixed time after their last change. */
  expire?(key: string, seconds: number): Promise<unknown>;
}

/**
 * Sessions in Redis, shared by all instances on all machines. The client is connected and closed by whoever made it.
 *
 * ```ts
 * const client = createClient({ url: 'redis://127.0.0.1:6379' });
 * client.on('error', (error) => application.log.warn('Redis', error));
 * await client.connect();
 * application.install(Sessions, (config) => config.cookie(Cart, (cookie) => {
 *   cookie.storage = new RedisSessionStorage(client);
 * }));
 * ```
 */
export class RedisSessionStorage implements SessionStorage {
  readonly #client: RedisClient;
  readonly #prefix: string;

  /** `prefix` stands before each id; default `session:`. */
  constructor(client: RedisClient, options: { readonly prefix?: string } = {}) {
    this.#client = client;
    this.#prefix = options.prefix ?? 'session:';
  }

  async read(id: string): Promise<string | undefined> {
    const text = await this.#client.get(this.#prefix + id);
    return typeof text === 'string' ? text : undefined;
  }

  async write(id: string, text: string, ttlSeconds: number): Promise<void> {
    await this.#client.set(this.#prefix + id, text, { EX: wholeSeconds(ttlSeconds) });
  }

  async remove(id: string): Promise<void> {
    await this.#client.del(this.#prefix + id);
  }

  async replace(id: string, text: string, ttlSeconds: number): Promise<boolean> {
    const options = { EX: wholeSeconds(ttlSeconds), XX: true } as const;
    return ((await this.#client.set(this.#prefix + id, text, options)) ?? undefined) !== undefined;
  }

  async touch(id: string, ttlSeconds: number): Promise<boolean> {
    // Clients of Redis tell it as 0 or as false.
    const kept = await this.#client.expire?.(this.#prefix + id, wholeSeconds(ttlSeconds));
    return kept !== false && kept !== 0;
  }
}

function wholeSeconds(seconds: number): number {
  return Math.max(1, Math.ceil(seconds));
}
