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
  /** Keeps what is stored for so many seconds from now on. Without it each session ends a fixed time after its last change. */
  touch?(id: string, ttlSeconds: number): void | Promise<void>;
}
