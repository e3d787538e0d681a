import { HEX_DIGIT } from './byte-classes.js';

/**
 * The one canonical form of a request path, which the mapper, the static files and every application see.
 *
 * Gives the path percent-encoded: escapes of unreserved characters decoded, other escapes in upper case, `//`
 * collapsed, `.` and `..` segments resolved (RFC 3986 §6.2.2). Gives undefined for a path that two readers could
 * read in two ways; the answer to it is 400:
 * - raw bytes that RFC 3986 does not allow in a path, controls, `#`, `?`, bytes from 0x80 on;
 * - `%2F`, `%5C`, `%2E`, escaped controls, escapes that are cut or are not UTF-8;
 * - path parameters on an empty or dot segment (`/;x`, `/..;x`);
 * - `..` above the root.
 *
 * Idempotent. A path that is canonical already is returned as the same string, without allocation.
 */
export function canonicalPath(path: string): string | undefined {
  if (path.charCodeAt(0) !== SLASH) return undefined;
  let atSegmentStart = true;
  for (let i = 1; i < path.length; i++) {
    const code = path.charCodeAt(i);
    const kind = code < 0x80 ? (KINDS[code] as number) : REFUSED;
    if (kind === PLAIN) {
      atSegmentStart = false;
    } else if (kind === SEPARATOR) {
      if (atSegmentStart) return rewrite(path);
      atSegmentStart = true;
    } else if (kind === DOT) {
      if (atSegmentStart) return rewrite(path);
    } else if (kind === REFUSED) {
      return undefined;
    } else {
      return rewrite(path);
    }
  }
  return path;
}

const SLASH = 0x2f;
const PERCENT = 0x25;

const REFUSED = 0;
const PLAIN = 1;
const SEPARATOR = 2;
const DOT = 3;
/** `%` and `;`. */
const SPECIAL = 4;

/** pchar of RFC 3986 §3.3 by kind. */
const KINDS = kindTable();

function kindTable(): Uint8Array {
  const table = new Uint8Array(128);
  const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~!$&'()*+,=:@";
  for (let i = 0; i < plain.length; i++) table[plain.charCodeAt(i)] = PLAIN;
  table[SLASH] = SEPARATOR;
  table[0x2e] = DOT;
  table[PERCENT] = SPECIAL;
  table[0x3b] = SPECIAL;
  return table;
}

/** The slow way: segment by segment. */
function rewrite(path: string): string | undefined {
  const kept: string[] = [];
  const segments = path.split('/');
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i] as string;
    if (segment === '' || segment === '.') continue;
    if (segment === '..') {
      if (kept.pop() === undefined) return undefined;
      continue;
    }
    const canonical = canonicalSegment(segment);
    if (canonical === undefined) return undefined;
    kept.push(canonical);
  }
  const last = segments[segments.length - 1];
  const endsWithSlash = kept.length > 0 && (last === '' || last === '.' || last === '..');
  return `/${kept.join('/')}${endsWithSlash ? '/' : ''}`;
}

function canonicalSegment(segment: string): string | undefined {
  const semicolon = segment.indexOf(';');
  // A segment that is nothing or dots once its parameters are removed: readers disagree on what it names.
  if (semicolon >= 0 && /^\.{0,2}$/.test(segment.slice(0, semicolon))) return undefined;
  let text = '';
  let utf8 = UTF8_START;
  for (let i = 0; i < segment.length; i++) {
    const code = segment.charCodeAt(i);
    if (code !== PERCENT) {
      if (utf8 !== UTF8_START || code >= 0x80 || KINDS[code] === REFUSED) return undefined;
      text += segment.charAt(i);
      continue;
    }
    const high = hexDigit(segment, i + 1);
    const low = hexDigit(segment, i + 2);
    if (high < 0 || low < 0) return undefined;
    const byte = (high << 4) | low;
    i += 2;
    if (byte >= 0x80 || utf8 !== UTF8_START) {
      utf8 = nextUtf8(utf8, byte);
      if (utf8 < 0) return undefined;
      text += percentEscape(byte);
    } else if (isRefusedEscape(byte)) {
      return undefined;
    } else {
      text += isUnreserved(byte) ? String.fromCharCode(byte) : percentEscape(byte);
    }
  }
  return utf8 === UTF8_START ? text : undefined;
}

/** Controls, `.`, `/`, `\` and DEL change their meaning when somebody decodes them; so nobody may send them escaped. */
function isRefusedEscape(byte: number): boolean {
  return byte < 0x20 || byte === 0x2e || byte === SLASH || byte === 0x5c || byte === 0x7f;
}

function isUnreserved(byte: number): boolean {
  const lower = byte | 0x20;
  return (
    (lower >= 0x61 && lower <= 0x7a) ||
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x2d ||
    byte === 0x5f ||
    byte === 0x7e
  );
}

function hexDigit(text: string, index: number): number {
  return index < text.length ? (HEX_DIGIT[text.charCodeAt(index)] ?? -1) : -1;
}

function percentEscape(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

/**
 * State of a strict UTF-8 reader (RFC 3629 §4): bytes still missing in the low bits, and the range the next byte
 * must lie in above them. Refuses overlong forms, surrogates and values above U+10FFFF.
 */
const UTF8_START = 0;

function nextUtf8(state: number, byte: number): number {
  if (state === UTF8_START) {
    if (byte >= 0xc2 && byte <= 0xdf) return expecting(1, 0x80, 0xbf);
    if (byte === 0xe0) return expecting(2, 0xa0, 0xbf);
    if (byte === 0xed) return expecting(2, 0x80, 0x9f);
    if (byte >= 0xe1 && byte <= 0xef) return expecting(2, 0x80, 0xbf);
    if (byte === 0xf0) return expecting(3, 0x90, 0xbf);
    if (byte >= 0xf1 && byte <= 0xf3) return expecting(3, 0x80, 0xbf);
    if (byte === 0xf4) return expecting(3, 0x80, 0x8f);
    return -1;
  }
  const missing = state & 3;
  if (byte < ((state >> 2) & 0xff) || byte > ((state >> 10) & 0xff)) return -1;
  return missing === 1 ? UTF8_START : expecting(missing - 1, 0x80, 0xbf);
}

function expecting(missing: number, lowest: number, highest: number): number {
  return missing | (lowest << 2) | (highest << 10);
}
