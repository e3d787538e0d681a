import { PorticoError } from '../errors.js';
import { isToken } from './byte-classes.js';
import { parseCookieDate } from './cookie-date.js';
import {
  type CookieEncoding,
  decodeCookieValue,
  encodeCookieValue,
  unquoteCookieValue,
} from './cookie-encoding.js';
import { httpDate } from './http-date.js';

/** One cookie as a server sets it (RFC 6265 §4.1). Only the name and the value are needed. */
export interface SetCookie {
  /** A token. */
  readonly name: string;
  /** Any text; `encoding` says how it is written. */
  readonly value: string;
  /** Only clients below this path send it back. Default: those below the path of the request. */
  readonly path?: string | undefined;
  /** This host and those below it get it. Default: only the host that was asked. */
  readonly domain?: string | undefined;
  /** How long the client keeps it; 0 removes it. Without it and `expires`: as long as the browser is open. */
  readonly maxAgeSeconds?: number | undefined;
  readonly expires?: Date | undefined;
  /** Only over TLS. Default false. */
  readonly secure?: boolean | undefined;
  /** Not for scripts. Default false. */
  readonly httpOnly?: boolean | undefined;
  /** Whether requests that other sites cause carry it. `none` needs `secure`. Default: as the browser likes, `lax`. */
  readonly sameSite?: 'strict' | 'lax' | 'none' | undefined;
  /** Default `uri`. */
  readonly encoding?: CookieEncoding | undefined;
  /** Further attributes; undefined for those without a value, such as `Partitioned`. */
  readonly extensions?: Readonly<Record<string, string | undefined>> | undefined;
}

/** Names of the encodings in the attribute `$x-enc`, as Ktor has them. */
const ENCODING_NAMES: Readonly<Record<CookieEncoding, string>> = {
  uri: 'URI_ENCODING',
  raw: 'RAW',
  quoted: 'DQUOTES',
  base64: 'BASE64_ENCODING',
};
const SAME_SITE = { strict: 'Strict', lax: 'Lax', none: 'None' } as const;
/** More than that is as good as for ever. */
const MAX_AGE_SECONDS = 2_147_483_647;

/**
 * The value of a field Set-Cookie. A name that promises what the attributes do not keep (`__Host-`, `__Secure-`) is
 * `PORTICO_INVALID_COOKIE`, as browsers would drop the cookie without a word; so is what could end the value or the attribute it
 * stands in.
 * `tellsEncoding` adds `$x-enc`, by which clients of Ktor know the encoding.
 */
export function renderSetCookie(cookie: SetCookie, options?: { readonly tellsEncoding?: boolean }): string {
  const { name, encoding = 'uri', maxAgeSeconds, expires, domain, path, sameSite, extensions } = cookie;
  if (!isToken(name)) throw invalid(`The name ${JSON.stringify(name)}`, 'Use letters, digits, - and _');
  checkPrefix(cookie);
  const parts = [`${name}=${encodeCookieValue(cookie.value, encoding)}`];
  if (maxAgeSeconds !== undefined) parts.push(`Max-Age=${wholeSeconds(maxAgeSeconds)}`);
  if (expires !== undefined) parts.push(`Expires=${dateOf(expires)}`);
  if (domain !== undefined) parts.push(`Domain=${attribute('Domain', domain)}`);
  if (path !== undefined) parts.push(`Path=${attribute('Path', path)}`);
  if (cookie.secure === true) parts.push('Secure');
  if (cookie.httpOnly === true) parts.push('HttpOnly');
  if (sameSite !== undefined) parts.push(`SameSite=${SAME_SITE[sameSite]}`);
  for (const [key, value] of Object.entries(extensions ?? {})) {
    if (!isToken(key)) throw invalid(`The attribute ${JSON.stringify(key)}`, 'Use letters, digits and -');
    parts.push(value === undefined ? key : `${key}=${attribute(key, value)}`);
  }
  if (options?.tellsEncoding === true) parts.push(`$x-enc=${ENCODING_NAMES[encoding]}`);
  return parts.join('; ');
}

/**
 * Reads a field Set-Cookie; undefined when there is no cookie in it. Quotes may hold semicolons. The value is decoded
 * by `$x-enc`, without it as `uri`; one that is not in its encoding stays as it is. Attributes that make no sense are
 * left out, as browsers do (RFC 6265 §5.2).
 */
export function parseSetCookie(text: string): SetCookie | undefined {
  const pairs = [...text.matchAll(PAIR)].flatMap(([, name = '', value]): [string, string | undefined][] =>
    name === '' ? [] : [[name, value?.trim()]],
  );
  const first = pairs.findIndex(([name, value]) => value !== undefined && !name.startsWith('$'));
  const [name, written = ''] = pairs[first] ?? [];
  if (name === undefined) return undefined;
  const attributes = new Map<string, string | undefined>();
  const extensions: Record<string, string | undefined> = Object.create(null);
  for (const [key, value] of pairs.slice(first + 1)) {
    const lower = key.toLowerCase();
    if (KNOWN.has(lower)) attributes.set(lower, value === undefined ? undefined : unquoteCookieValue(value));
    else extensions[key] = value;
  }
  const encoding = encodingOf(attributes.get('$x-enc'));
  const value = unquoteCookieValue(written);
  const expiresMs = parseCookieDate(attributes.get('expires') ?? '');
  return {
    name,
    value: decodeCookieValue(value, encoding) ?? value,
    encoding,
    maxAgeSeconds: maxAgeOf(attributes.get('max-age')),
    expires: expiresMs === undefined ? undefined : new Date(expiresMs),
    domain: attributes.get('domain'),
    path: attributes.get('path'),
    secure: attributes.has('secure'),
    httpOnly: attributes.has('httponly'),
    sameSite: sameSiteOf(attributes.get('samesite')),
    extensions,
  };
}

/** What the name promises (RFC 6265bis §4.1.3); browsers compare without case. */
export function cookiePrefix(name: string): 'host' | 'secure' | undefined {
  if (/^__host-/i.test(name)) return 'host';
  return /^__secure-/i.test(name) ? 'secure' : undefined;
}

function checkPrefix({ name, secure, path, domain }: SetCookie): void {
  const prefix = cookiePrefix(name);
  if (prefix === undefined) return;
  if (secure !== true) throw invalid(`The name ${name} without Secure`, 'Set secure, and serve over TLS');
  if (prefix === 'host' && (path !== '/' || domain !== undefined))
    throw invalid(`The name ${name} with another path than /, or a domain`, 'Set path to /, and no domain');
}

/** A name and perhaps a value, which may be quoted; each attempt begins where the one before has ended. */
const PAIR = /\s*([^;=\s]*)[^;=]*(?:=\s*("[^"]*"(?=\s*(?:;|$))|[^;]*))?(?:;|$)/gy;
const KNOWN = new Set(['max-age', 'expires', 'domain', 'path', 'secure', 'httponly', 'samesite', '$x-enc']);

function encodingOf(text: string | undefined): CookieEncoding {
  const known = Object.entries(ENCODING_NAMES).find(([, name]) => name === text);
  return (known?.[0] as CookieEncoding | undefined) ?? 'uri';
}

function maxAgeOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^-?\d+$/.test(text)) return undefined;
  return Math.max(0, Math.min(MAX_AGE_SECONDS, Number(text)));
}

function sameSiteOf(text: string | undefined): SetCookie['sameSite'] {
  const lower = text?.toLowerCase();
  return lower === 'strict' || lower === 'lax' || lower === 'none' ? lower : undefined;
}

function wholeSeconds(seconds: number): number {
  if (!Number.isFinite(seconds) || seconds < 0)
    throw invalid(`The Max-Age ${seconds}`, 'Use seconds from 0 on');
  return Math.min(MAX_AGE_SECONDS, Math.floor(seconds));
}

function dateOf(date: Date): string {
  if (Number.isNaN(date.getTime())) throw invalid('The date of Expires', 'Use a valid Date');
  return httpDate(date.getTime());
}

function attribute(name: string, value: string): string {
  if (/^[\x20-\x3a\x3c-\x7e]*$/.test(value)) return value;
  throw invalid(`The attribute ${name} with ${JSON.stringify(value)}`, 'Leave out ; and control characters');
}

function invalid(what: string, advice: string): PorticoError {
  return new PorticoError('PORTICO_INVALID_COOKIE', `${what} cannot be written into a cookie. ${advice}.`);
}
