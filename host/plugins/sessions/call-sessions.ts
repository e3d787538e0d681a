import type { ApplicationCall } from '../../application/application-call.js';
import { missingPlugin } from '../../application/plugin.js';
import { messageOf, PorticoError } from '../../errors.js';
import { AttributeKey } from '../../pipeline/attributes.js';
import { isPromiseLike } from '../../pipeline/pipeline-context.js';
import type { SessionKey } from './session-key.js';
import type { LoadedSession, SessionProvider } from './session-provider.js';

/** Where the plugin puts the sessions of a call. */
export const SESSIONS = new AttributeKey<CallSessions>('portico.sessions');

/** The sessions of a call. `PORTICO_MISSING_PLUGIN` when `Sessions` is not installed, or has not run yet. */
export function sessions(call: ApplicationCall<unknown>): CallSessions {
  const own = call.attributes.getOrNull(SESSIONS);
  if (own === undefined) throw missingPlugin('Sessions');
  return own;
}

/**
 * The sessions of one call. Values are those of the request until they are set; a value that is changed in place is
 * noticed as well. Everything is written when the call is answered; a change after that is `PORTICO_SESSION_TOO_LATE`.
 * A key of which the plugin knows nothing is `PORTICO_SESSION_UNKNOWN`. Of two calls that change one session at the same
 * time the last one wins; one that is answered after a logout changes nothing, where there is a storage.
 */
export class CallSessions {
  readonly #call: ApplicationCall;
  readonly #states = new Map<string, SessionState<unknown>>();
  #isSaved = false;

  /** For the plugin. */
  constructor(call: ApplicationCall, providers: readonly SessionProvider<unknown>[]) {
    this.#call = call;
    for (const provider of providers) this.#states.set(provider.key.name, new SessionState(call, provider));
  }

  /** The value; undefined when the client has no valid session. `PORTICO_SESSION_STORAGE` when the storage failed. */
  get<T>(key: SessionKey<T>): T | undefined {
    return this.#state(key).get();
  }

  /** The value; made and set when there is none. */
  getOrSet<T>(key: SessionKey<T>, make: () => T): T {
    const known = this.get(key);
    if (known !== undefined) return known;
    const made = make();
    this.set(key, made);
    return made;
  }

  /** Begins a session, or replaces its value. Undefined is none: `PORTICO_SESSION_VALUE`; `clear` ends a session. */
  set<T>(key: SessionKey<T>, value: T): void {
    if (value === undefined)
      throw new PorticoError(
        'PORTICO_SESSION_VALUE',
        `The session ${key.name} cannot be undefined. Use clear to end it.`,
      );
    this.#state(key, 'set').set(value);
  }

  /** Ends a session: the client and the storage forget it. */
  clear<T>(key: SessionKey<T>): void {
    this.#state(key, 'cleared').clear();
  }

  /**
   * Goes on with the same value under a new id. Do it whenever somebody logs in, so that an id that was planted before
   * is worth nothing. Without a storage there is no id, and nothing happens.
   */
  renewId<T>(key: SessionKey<T>): void {
    this.#state(key, 'renewed').renewId();
  }

  /** Id under which the storage knows the session; undefined without a storage and for sessions that begin. A secret. */
  idOf<T>(key: SessionKey<T>): string | undefined {
    return this.#state(key).id;
  }

  /** For the plugin: reads what the client has sent. */
  load(): void | Promise<void> {
    return this.#all((state) => state.load());
  }

  /** For the plugin: writes storage, cookies and headers. Once for each call; a promise when a storage has work. */
  save(): void | Promise<void> {
    if (this.#isSaved) return undefined;
    // Before anything can fail: the answer that tells of the failure must not try again.
    this.#isSaved = true;
    return this.#all((state) => state.save());
  }

  /** All at the same time; a promise only when one of them needs it. */
  #all(work: (state: SessionState<unknown>) => void | Promise<void>): void | Promise<void> {
    let pending: Promise<void>[] | undefined;
    for (const state of this.#states.values()) {
      const done = work(state);
      if (done === undefined) continue;
      pending ??= [];
      pending.push(done);
    }
    return pending === undefined ? undefined : Promise.all(pending).then(() => undefined);
  }

  #state<T>(key: SessionKey<T>, change?: string): SessionState<T> {
    const state = this.#states.get(key.name) as SessionState<T> | undefined;
    if (state === undefined)
      throw new PorticoError(
        'PORTICO_SESSION_UNKNOWN',
        `There is no session ${key.name}. Add it where Sessions is installed: config.cookie(…).`,
      );
    if (change !== undefined && (this.#call.isHandled || this.#isSaved))
      throw new PorticoError(
        'PORTICO_SESSION_TOO_LATE',
        `The session ${key.name} is ${change} after the answer was sent. Do it before.`,
      );
    return state;
  }
}

class SessionState<T> {
  readonly #call: ApplicationCall;
  readonly #provider: SessionProvider<T>;
  #hasToken = false;
  #loaded: LoadedSession<T> | undefined;
  #value: T | undefined;
  #failure: unknown;
  #isTouched = false;
  #isCleared = false;
  #isRenewed = false;

  constructor(call: ApplicationCall, provider: SessionProvider<T>) {
    this.#call = call;
    this.#provider = provider;
  }

  get id(): string | undefined {
    return this.#loaded?.id;
  }

  load(): void | Promise<void> {
    const token = this.#provider.transport.receive(this.#call);
    if (token === undefined || token === '') return undefined;
    this.#hasToken = true;
    const loading = this.#provider.load(this.#call, token);
    if (!isPromiseLike(loading)) return this.#take(loading);
    return loading.then(
      (loaded) => this.#take(loaded),
      // Told to who asks for the session; the others do without it.
      (error: unknown) => {
        this.#failure = error;
      },
    );
  }

  get(): T | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    this.#isTouched = true;
    return this.#value;
  }

  set(value: T): void {
    this.#failure = undefined;
    this.#isTouched = true;
    this.#isCleared = false;
    this.#value = value;
  }

  clear(): void {
    this.#failure = undefined;
    this.#isCleared = true;
    // What is set behind that is another session.
    this.#isRenewed = true;
    this.#value = undefined;
  }

  renewId(): void {
    this.#isRenewed = true;
  }

  save(): void | Promise<void> {
    if (this.#value !== undefined) return this.#saveValue(this.#value);
    if (!this.#isCleared) return undefined;
    if (this.#hasToken) this.#provider.transport.clear(this.#call);
    return this.#provider.remove(this.id);
  }

  #saveValue(value: T): void | Promise<void> {
    const text = this.#text(value);
    const isModified = text !== this.#loaded?.text || (this.#isRenewed && this.id !== undefined);
    if (!isModified && this.#provider.sendOnlyIfModified) return undefined;
    if (this.#provider.hasStorage) return this.#store(text, isModified);
    return this.#provider.send(this.#call, text);
  }

  async #store(text: string, isModified: boolean): Promise<void> {
    const oldId = this.id;
    if (oldId !== undefined && !this.#isRenewed) {
      const isThere = isModified ? await this.#provider.replace(oldId, text) : await this.#touch(oldId);
      // Ended or renewed by another call meanwhile, which has told the client: this one has nothing to say any more.
      if (isThere) this.#provider.send(this.#call, oldId);
      else this.#call.application.log.debug(`The session ${this.#provider.key.name} has ended meanwhile.`);
      return;
    }
    const id = this.#provider.newId();
    await this.#provider.store(id, text);
    this.#provider.send(this.#call, id);
    if (oldId !== undefined) await this.#provider.remove(oldId);
  }

  /** What nobody has asked for cannot have changed. */
  #text(value: T): string {
    return this.#isTouched || this.#loaded === undefined ? this.#provider.write(value) : this.#loaded.text;
  }

  /** Nothing is lost when that fails: the session ends earlier. */
  async #touch(id: string): Promise<boolean> {
    try {
      return await this.#provider.touch(id);
    } catch (error) {
      this.#call.application.log.warn(messageOf(error), error);
      return true;
    }
  }

  #take(loaded: LoadedSession<T> | undefined): void {
    this.#loaded = loaded;
    this.#value = loaded?.value;
  }
}
