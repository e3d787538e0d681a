import { cookiePrefix } from '../../http/set-cookie.js';
import type { TestTarget } from './test-target.js';

/** One cookie that a response has set. */
export interface TestCookie {
  readonly name: string;
  readonly value: string;
  /** Host it is sent to. */
  readonly domain: string;
  /** Without a `Domain` attribute: to this very host only. */
  readonly isHostOnly: boolean;
  readonly path: string;
  readonly isSecure: boolean;
  readonly isHttpOnly: boolean;
  readonly sameSite: string | undefined;
  /** Milliseconds since 1970; undefined: until the jar is gone. */
  readonly expiresAt: number | undefined;
}

/** RFC 6265bis §5.6: what is longer, name and value together, is dropped. */
const MAX_COOKIE_BYTES = 4096;

/**
 * Keeps cookies between the requests of a client, by the rules of RFC 6265 §5 and what browsers have added to them: a cookie
 * is dropped that is too long, `Secure` over http, `SameSite=None` without `Secure`, or against the prefix of its name. All
 * requests count as those of one site. Lives as long as its client.
 */
export class TestCookieJar {
  #cookies: TestCookie[] = [];

  /** All cookies that have not expired. */
  get cookies(): readonly TestCookie[] {
    const now = Date.now();
    this.#cookies = this.#cookies.filter(({ expiresAt }) => expiresAt === undefined || expiresAt > now);
    return this.#cookies;
  }

  /** Value of the first cookie of this name, whatever host and path it is for. */
  get(name: string): string | undefined {
    return this.cookies.find((cookie) => cookie.name === name)?.value;
  }

  clear(): void {
    this.#cookies = [];
  }

  /** Takes the lines of `Set-Cookie` of a response. What is not valid is ignored, as browsers do. */
  store(target: TestTarget, lines: readonly string[]): void {
    for (const line of lines) {
      const cookie = parseSetCookie(target, line);
      if (cookie === undefined) continue;
      const isSame = (other: TestCookie): boolean =>
        other.name === cookie.name && other.domain === cookie.domain && other.path === cookie.path;
      this.#cookies = [...this.#cookies.filter((other) => !isSame(other)), cookie];
    }
  }

  /** The `Cookie` field for a request; undefined when there is none to send. */
  header(target: TestTarget): string | undefined {
    const path = target.path.replace(/[?].*/s, '');
    // RFC 6265 §5.4: longer paths first; of one length, older cookies first.
    const sent = this.cookies
      .filter(
        (cookie) =>
          (cookie.isHostOnly ? target.host === cookie.domain : isWithin(target.host, cookie.domain)) &&
          isBelow(path, cookie.path) &&
          (!cookie.isSecure || target.scheme === 'https'),
      )
      .sort((a, b) => b.path.length - a.path.length);
    return sent.length === 0 ? undefined : sent.map(({ name, value }) => `${name}=${value}`).join('; ');
  }
}

function parseSetCookie(target: TestTarget, line: string): TestCookie | undefined {
  const [pair = '', ...rest] = line.split(';');
  const equals = pair.indexOf('=');
  const name = pair.slice(0, Math.max(0, equals)).trim();
  if (name === '') return undefined;
  const attributes = new Map<string, string>();
  for (const attribute of rest) {
    const [key = '', ...value] = attribute.split('=');
    attributes.set(key.trim().toLowerCase(), value.join('=').trim());
  }
  const domain = (attributes.get('domain') ?? '').replace(/^\./, '').toLowerCase();
  if (domain !== '' && !isWithin(target.host, domain)) return undefined;
  const path = attributes.get('path') ?? '';
  const cookie: TestCookie = {
    name,
    value: pair.slice(equals + 1).trim(),
    domain: domain === '' ? target.host : domain,
    isHostOnly: domain === '',
    path: path.startsWith('/') ? path : defaultPath(target.path),
    isSecure: attributes.has('secure'),
    isHttpOnly: attributes.has('httponly'),
    sameSite: attributes.get('samesite'),
    expiresAt: expiryOf(attributes),
  };
  return isDropped(cookie, target) ? undefined : cookie;
}

/** RFC 6265bis §5.7. */
function isDropped(cookie: TestCookie, { scheme }: TestTarget): boolean {
  const { name, value, isSecure, isHostOnly, path, sameSite } = cookie;
  if (Buffer.byteLength(name + value) > MAX_COOKIE_BYTES) return true;
  if (isSecure && scheme !== 'https') return true;
  if (sameSite?.toLowerCase() === 'none' && !isSecure) return true;
  const prefix = cookiePrefix(name);
  if (prefix !== undefined && !isSecure) return true;
  return prefix === 'host' && !(isHostOnly && path === '/');
}

/** RFC 6265 §5.3: Max-Age wins over Expires. */
function expiryOf(attributes: ReadonlyMap<string, string>): number | undefined {
  const maxAge = attributes.get('max-age');
  if (maxAge !== undefined && /^-?\d+$/.test(maxAge)) {
    const seconds = Number(maxAge);
    return seconds <= 0 ? 0 : Date.now() + seconds * 1000;
  }
  const expires = Date.parse(attributes.get('expires') ?? '');
  return Number.isNaN(expires) ? undefined : expires;
}

/** RFC 6265 §5.1.4. */
function defaultPath(target: string): string {
  const path = target.replace(/[?].*/s, '');
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

/** RFC 6265 §5.1.3. */
function isWithin(host: string, domain: string): boolean {
  return host === domain || host.endsWith(`.${domain}`);
}

/** RFC 6265 §5.1.4. */
function isBelow(path: string, cookiePath: string): boolean {
  if (path === cookiePath) return true;
  return path.startsWith(cookiePath) && (cookiePath.endsWith('/') || path[cookiePath.length] === '/');
}
