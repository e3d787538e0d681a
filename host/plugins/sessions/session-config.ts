import { randomBytes } from 'node:crypto';
import { configureBy } from '../../application/configure.js';
import { PorticoError } from '../../errors.js';
import type { SetCookie } from '../../http/set-cookie.js';
import { checkNumber } from '../../plugin/check-option.js';
import type { SessionKey } from './session-key.js';
import { SessionProvider } from './session-provider.js';
import { jsonSerializer, type SessionSerializer } from './session-serializer.js';
import type { SessionStorage } from './session-storage.js';
import type { SessionTransform } from './session-transforms.js';
import { CookieTransport, HeaderTransport, type SessionTransport } from './session-transport.js';

/** A week. */
const WEEK_SECONDS = 7 * 24 * 3600;

/** One session: what both kinds of transport have in common. */
export class SessionConfig<T> {
  /**
   * Name of the cookie or header; default that of the key. A cookie `__Host-…` is always `Secure` with the path `/`, and
   * no other host or connection without TLS can plant it; `__Secure-…` is always `Secure`.
   */
  name: string;
  /** Where the session lies; the client then has only an id. Default: none, the client has the whole session. */
  storage: SessionStorage | undefined = undefined;
  /** Text of a session; default JSON, checked with the schema of the key. */
  serializer: SessionSerializer<T>;
  /** How long the session lives after its last use; default a week. With a storage, the storage forgets it then. */
  maxAgeSeconds: number | undefined = WEEK_SECONDS;
  /** Sends cookie or header only with answers that change the session. Default false: with each, so it lives on. */
  sendOnlyIfModified = false;
  /** Makes ids for the storage; default 64 hexadecimal digits from 32 random bytes. MUST be unguessable. */
  newId: () => string = () => randomBytes(32).toString('hex');
  /** How long a storage may take for one thing; default 5000. */
  storageTimeoutMs = 5000;
  readonly #transforms: SessionTransform[] = [];

  constructor(key: SessionKey<T>) {
    this.name = key.name;
    this.serializer = jsonSerializer(key.schema);
  }

  /** Adds a transform of what the client gets: `signed(…)`, `encrypted(…)`. Applied in order, undone in reverse. */
  transform(transform: SessionTransform): void {
    this.#transforms.push(transform);
  }

  /** In the order they were added. */
  get transforms(): readonly SessionTransform[] {
    return this.#transforms;
  }
}

/** A session in a cookie. */
export class CookieSessionConfig<T> extends SessionConfig<T> {
  /** Default: the root path of the application, so that applications on one host do not meet. */
  path: string | undefined = undefined;
  /** Default: only the host that was asked. */
  domain: string | undefined = undefined;
  /** Only over TLS. Default: when the origin of the request is `https`. */
  secure: boolean | undefined = undefined;
  /** Not for scripts. Default true. */
  httpOnly = true;
  /** Default `lax`. */
  sameSite: SetCookie['sameSite'] = 'lax';
  /** Further attributes of the cookie. */
  extensions: SetCookie['extensions'] = undefined;
}

/** What `Sessions` keeps. Two sessions of one key or one transport are `PORTICO_SESSION_DUPLICATE`. */
export class SessionsConfig {
  readonly #providers: SessionProvider<unknown>[] = [];

  /**
   * Keeps a session in a cookie. `maxAgeSeconds` undefined: as long as the browser is open (a storage then forgets it
   * after a week without use).
   */
  cookie<T>(key: SessionKey<T>, configure?: (config: CookieSessionConfig<T>) => void): void {
    const config = new CookieSessionConfig(key);
    if (configure !== undefined) configureBy(configure, config, () => `the session ${key.name}`);
    this.#add(key, config, new CookieTransport(config));
  }

  /** Keeps a session in a header that the client returns as it got it. */
  header<T>(key: SessionKey<T>, configure?: (config: SessionConfig<T>) => void): void {
    const config = new SessionConfig(key);
    if (configure !== undefined) configureBy(configure, config, () => `the session ${key.name}`);
    this.#add(key, config, new HeaderTransport(config.name));
  }

  /** In the order they were added. */
  get providers(): readonly SessionProvider<unknown>[] {
    return this.#providers;
  }

  #add<T>(key: SessionKey<T>, config: SessionConfig<T>, transport: SessionTransport): void {
    const isSame = (one: SessionProvider<unknown>): boolean =>
      one.key.name === key.name ||
      (one.transport.kind === transport.kind &&
        one.transport.name.toLowerCase() === transport.name.toLowerCase());
    if (this.#providers.some(isSame))
      throw new PorticoError(
        'PORTICO_SESSION_DUPLICATE',
        `There is already a session ${key.name}, or one in the ${transport.kind} ${transport.name}. ` +
          'Give each a key and a name of its own.',
      );
    const ttlSeconds = config.maxAgeSeconds ?? WEEK_SECONDS;
    checkNumber(`Sessions: maxAgeSeconds of ${key.name}`, ttlSeconds, 1);
    checkNumber(`Sessions: storageTimeoutMs of ${key.name}`, config.storageTimeoutMs, 1);
    this.#providers.push(
      new SessionProvider({ ...config, key, transport, ttlSeconds, transforms: config.transforms }),
    );
  }
}
