import type { ApplicationCall } from '../../application/application-call.js';
import { within } from '../../deadline.js';
import { messageOf, PorticoError } from '../../errors.js';
import { isPromiseLike } from '../../pipeline/pipeline-context.js';
import type { SessionKey } from './session-key.js';
import type { SessionSerializer } from './session-serializer.js';
import { replaceIn, type SessionStorage } from './session-storage.js';
import type { SessionTransform } from './session-transforms.js';
import type { SessionTransport } from './session-transport.js';

/** What a session is made of, settled when the plugin is installed. */
export interface SessionSettings<T> {
  readonly key: SessionKey<T>;
  readonly transport: SessionTransport;
  readonly serializer: SessionSerializer<T>;
  readonly transforms: readonly SessionTransform[];
  readonly storage: SessionStorage | undefined;
  readonly sendOnlyIfModified: boolean;
  readonly newId: () => string;
  readonly ttlSeconds: number;
  readonly storageTimeoutMs: number;
}

/** What the client's part of a session leads to. */
export interface LoadedSession<T> {
  /** Known to the storage; undefined without a storage. */
  readonly id: string | undefined;
  readonly value: T;
  /** The value as it was written. */
  readonly text: string;
}

/** More than that is no session of ours; nothing is computed for it. */
const MAX_TOKEN_LENGTH = 16_384;
const ID = /^[\x21-\x7e]{1,256}$/;

/** Reads and writes one session of an installation. Has no state: that of a call is in `CallSessions`. */
export class SessionProvider<T> {
  readonly key: SessionKey<T>;
  readonly transport: SessionTransport;
  readonly sendOnlyIfModified: boolean;
  readonly #settings: SessionSettings<T>;

  constructor(settings: SessionSettings<T>) {
    this.key = settings.key;
    this.transport = settings.transport;
    this.sendOnlyIfModified = settings.sendOnlyIfModified;
    this.#settings = settings;
  }

  /** Can a client change this session as it likes? */
  get isUnprotected(): boolean {
    return this.#settings.storage === undefined && this.#settings.transforms.length === 0;
  }

  /**
   * The session of a token; undefined when it is none. A promise only when the storage or the schema needs one; it is
   * rejected only when the storage fails: `PORTICO_SESSION_STORAGE`.
   */
  load(
    call: ApplicationCall,
    token: string,
  ): LoadedSession<T> | undefined | Promise<LoadedSession<T> | undefined> {
    const { storage } = this.#settings;
    const read = this.#read(call, token);
    if (read === undefined) return undefined;
    if (storage === undefined) return this.#parse(call, read, undefined);
    return ID.test(read) ? this.#loadStored(call, storage, read) : undefined;
  }

  write(value: T): string {
    return this.#settings.serializer.serialize(value);
  }

  /** Does the client have only an id? */
  get hasStorage(): boolean {
    return this.#settings.storage !== undefined;
  }

  newId(): string {
    return this.#settings.newId();
  }

  /** Puts a text into the storage. */
  async store(id: string, text: string): Promise<void> {
    const { storage, ttlSeconds } = this.#settings;
    await this.#limited('written', async () => storage?.write(id, text, ttlSeconds));
  }

  /** Puts another text into the storage; false when the session has ended meanwhile. */
  async replace(id: string, text: string): Promise<boolean> {
    const { storage, ttlSeconds } = this.#settings;
    return this.#limited(
      'written',
      async () => storage === undefined || replaceIn(storage, id, text, ttlSeconds),
    );
  }

  /** False when the session has ended meanwhile, as far as the storage tells. */
  async touch(id: string): Promise<boolean> {
    const { storage, ttlSeconds } = this.#settings;
    return (await this.#limited('kept', async () => storage?.touch?.(id, ttlSeconds))) !== false;
  }

  /** A promise only when there is something to remove. */
  remove(id: string | undefined): void | Promise<void> {
    const { storage } = this.#settings;
    if (storage !== undefined && id !== undefined)
      return this.#limited('removed', async () => storage.remove(id));
  }

  /** Gives the client its part: the id, without a storage the text of the session. */
  send(call: ApplicationCall, part: string): void {
    let token = part;
    for (const transform of this.#settings.transforms) token = transform.write(token);
    this.transport.send(call, token);
  }

  async #loadStored(
    call: ApplicationCall,
    storage: SessionStorage,
    id: string,
  ): Promise<LoadedSession<T> | undefined> {
    const text = await this.#limited('read', async () => storage.read(id));
    return text === undefined ? undefined : this.#parse(call, text, id);
  }

  #read(call: ApplicationCall, token: string): string | undefined {
    if (token.length > MAX_TOKEN_LENGTH) return undefined;
    let text: string | undefined = token;
    try {
      for (const transform of this.#settings.transforms.toReversed()) {
        if (text === undefined) return undefined;
        text = transform.read(text);
      }
    } catch (error) {
      this.#ignore(call, error);
      return undefined;
    }
    return text;
  }

  #parse(
    call: ApplicationCall,
    text: string,
    id: string | undefined,
  ): LoadedSession<T> | undefined | Promise<LoadedSession<T> | undefined> {
    const loaded = (value: T | undefined): LoadedSession<T> | undefined =>
      value === undefined ? undefined : { id, value, text };
    const failed = (error: unknown): undefined => this.#ignore(call, error);
    try {
      const value = this.#settings.serializer.deserialize(text);
      return isPromiseLike(value) ? Promise.resolve(value).then(loaded, failed) : loaded(value);
    } catch (error) {
      return failed(error);
    }
  }

  /** A client can send whatever it likes; what was sent is not logged, as it may be somebody's session. */
  #ignore(call: ApplicationCall, error: unknown): undefined {
    const kind = error instanceof Error ? error.name : typeof error;
    call.application.log.debug(`The session ${this.key.name} of a request was not accepted (${kind}).`);
    return undefined;
  }

  async #limited<R>(done: string, work: () => Promise<R>): Promise<R> {
    const { storageTimeoutMs } = this.#settings;
    const what = `The session ${this.key.name} could not be ${done}`;
    try {
      const result = work();
      if (await within(result, storageTimeoutMs)) return await result;
    } catch (cause) {
      throw storageError(`${what}: ${messageOf(cause)}. Look at the storage.`, cause);
    }
    throw storageError(
      `${what} within ${storageTimeoutMs} ms. Look at the storage, or raise storageTimeoutMs.`,
    );
  }
}

function storageError(message: string, cause?: unknown): PorticoError {
  return new PorticoError('PORTICO_SESSION_STORAGE', message, { cause });
}
