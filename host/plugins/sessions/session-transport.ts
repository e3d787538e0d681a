import type { ApplicationCall } from '../../application/application-call.js';
import { PorticoError } from '../../errors.js';
import { isToken } from '../../http/byte-classes.js';
import { cookiePrefix, renderSetCookie, type SetCookie } from '../../http/set-cookie.js';

/** How the client gets and returns its part of a session: an id, or the session itself. */
export interface SessionTransport {
  readonly kind: 'cookie' | 'header';
  readonly name: string;
  receive(call: ApplicationCall): string | undefined;
  send(call: ApplicationCall, token: string): void;
  /** Has the client forget it. */
  clear(call: ApplicationCall): void;
}

/** Attributes of the cookie of a session. */
export interface SessionCookie {
  readonly name: string;
  readonly path: string | undefined;
  readonly domain: string | undefined;
  readonly maxAgeSeconds: number | undefined;
  readonly secure: boolean | undefined;
  readonly httpOnly: boolean;
  readonly sameSite: SetCookie['sameSite'];
  readonly extensions: SetCookie['extensions'];
}

/** RFC 6265 §6.1: what browsers keep at least of one cookie, and hardly any keeps more. */
const MAX_COOKIE_BYTES = 4096;

export class CookieTransport implements SessionTransport {
  readonly kind = 'cookie';
  readonly name: string;
  readonly #cookie: SessionCookie;

  constructor(cookie: SessionCookie) {
    checkName(cookie.name);
    this.name = cookie.name;
    this.#cookie = keepingPrefix(cookie);
    // Throws now rather than with the first answer.
    if (cookiePrefix(cookie.name) !== undefined) renderSetCookie({ ...this.#cookie, value: '' });
  }

  receive(call: ApplicationCall): string | undefined {
    return call.request.cookies.get(this.name);
  }

  send(call: ApplicationCall, token: string): void {
    const bytes = this.name.length + encodeURIComponent(token).length;
    if (bytes > MAX_COOKIE_BYTES)
      throw new PorticoError(
        'PORTICO_SESSION_TOO_LARGE',
        `The session ${this.name} takes ${bytes} bytes, and browsers drop cookies of more than ` +
          `${MAX_COOKIE_BYTES}. Give it a storage, so that the cookie has only an id.`,
      );
    const { maxAgeSeconds } = this.#cookie;
    const expires = maxAgeSeconds === undefined ? undefined : new Date(Date.now() + maxAgeSeconds * 1000);
    call.response.cookies.append({ ...this.#attributes(call), value: token, maxAgeSeconds, expires });
  }

  clear(call: ApplicationCall): void {
    call.response.cookies.append({
      ...this.#attributes(call),
      value: '',
      maxAgeSeconds: 0,
      expires: new Date(0),
    });
  }

  #attributes(call: ApplicationCall): Omit<SetCookie, 'value'> {
    const { name, domain, httpOnly, sameSite, extensions, path, secure } = this.#cookie;
    return {
      name,
      domain,
      httpOnly,
      sameSite,
      extensions,
      path: path ?? (call.application.rootPath === '' ? '/' : call.application.rootPath),
      secure: secure ?? call.request.origin.scheme === 'https',
    };
  }
}

/** With what browsers want of a name such as `__Host-user` (RFC 6265bis §4.1.3), where nothing else was said. */
function keepingPrefix(cookie: SessionCookie): SessionCookie {
  const prefix = cookiePrefix(cookie.name);
  if (prefix === undefined) return cookie;
  const path = prefix === 'host' ? (cookie.path ?? '/') : cookie.path;
  return { ...cookie, secure: cookie.secure ?? true, path };
}

export class HeaderTransport implements SessionTransport {
  readonly kind = 'header';
  readonly name: string;

  constructor(name: string) {
    checkName(name);
    this.name = name;
  }

  receive(call: ApplicationCall): string | undefined {
    const text = call.request.header(this.name);
    if (text === undefined || text === '') return undefined;
    try {
      return decodeURIComponent(text);
    } catch {
      // A malformed escape: whatever it is, it is not ours.
      return undefined;
    }
  }

  /** Visible ASCII goes as it is, everything else, and `%`, percent-encoded. */
  send(call: ApplicationCall, token: string): void {
    const text = token.replace(/[^\x21-\x24\x26-\x7e]+/g, (part) => encodeURIComponent(part));
    call.response.headers.set(this.name, text);
  }

  clear(call: ApplicationCall): void {
    call.response.headers.set(this.name, '');
  }
}

function checkName(name: string): void {
  if (isToken(name)) return;
  throw new PorticoError(
    'PORTICO_SESSION_NAME',
    `${JSON.stringify(name)} cannot be the name of a session. Use letters, digits, - and _.`,
  );
}
