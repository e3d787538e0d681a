import { cookiePrefix, renderSetCookie, type SetCookie } from '../http/set-cookie.js';
import type { ResponseHeaders } from './application-response.js';

/** Cookies on their way out: each is a line Set-Cookie of the response. Without effect once it is sent. */
export class ResponseCookies {
  readonly #headers: ResponseHeaders;

  constructor(headers: ResponseHeaders) {
    this.#headers = headers;
  }

  /**
   * Sets a cookie. `PORTICO_INVALID_COOKIE` for names that are no tokens and values that cannot be written.
   *
   * ```ts
   * call.response.cookies.append({ name: 'theme', value: 'dark', path: call.application.href('/'), maxAgeSeconds: 86_400 });
   * ```
   */
  append(cookie: SetCookie): void {
    this.#headers.append('Set-Cookie', renderSetCookie(cookie));
  }

  /** Has the client remove a cookie; path and domain must be those it was set with. */
  expire(name: string, scope: Pick<SetCookie, 'path' | 'domain'> = {}): void {
    const prefix = cookiePrefix(name);
    // Else browsers would drop this as well, and keep the cookie (RFC 6265bis §4.1.3).
    const kept = prefix === undefined ? {} : { secure: true, ...(prefix === 'host' ? { path: '/' } : {}) };
    this.append({ ...scope, ...kept, name, value: '', maxAgeSeconds: 0, expires: new Date(0) });
  }
}
