/**
 * Where sessions lie of which the client has only the id. Ids are any printable ASCII text of at most 256 characters
 * and come from clients: a storage MUST NOT take them for a path or a command. A storage that is given to a plugin is
 * closed by whoever made it.
 */
export interface SessionStorage {
  /** The text stored under an id; undefined when there is none, or no longer. */
  read(id: string): string | undefined | Promise<string | undefined>;
  /** Stores a text for so many seconds. */
  write(id: string, text: string, ttlSeconds: number): void | Promise<void>;
  /** Forgets an id; nothing happens when there is none. */
  remove(id: string): void | Promise<void>;
  /**
   * As `write`, but only where there is something under the id; false when there is not, or no longer. So an answer that
   * was long under way cannot bring back a session that a logout has ended meanwhile. Without it: `read`, then `write`.
   */
  replace?(id: string, text: string, ttlSeconds: number): boolean | Promise<boolean>;
  /**
   * Keeps what is stored for so many seconds from now on; may be a promise. MAY give false when there is nothing. Without
   * it each session ends a fixed time after its last change.
   */
  touch?(id: string, ttlSeconds: number): unknown;
}

/** `replace` of a storage, also of one that has none. */
export async function replaceIn(
  storage: SessionStorage,
  id: string,
  text: string,
  ttlSeconds: number,
): Promise<boolean> {
  if (storage.replace !== undefined) return storage.replace(id, text, ttlSeconds);
  if ((await storage.read(id)) === undefined) return false;
  await storage.write(id, text, ttlSeconds);
  return true;
}
