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
 *
 * `malformed: 'keep'`: escapes that are cut, not hexadecimal or not UTF-8 are let through, and their whole segment stays
 * as it was sent: decoding a part of it could make a new escape (`%2%66`). Everything else is refused as before, also
 * what only old decoders read as a slash, a dot, a backslash or a control: overlong UTF-8 (`%C0%AF`) and `%u002F`.
 */
export function canonicalPath(path: string, malformed: 'refuse' | 'keep' = 'refuse'): string | undefined {
  if (path.charCodeAt(0) !== SLASH) return undefined;
  let atSegmentStart = true;
  for (let i = 1; i < path.length; i++) {
    const code = path.charCodeAt(i);
    const kind = code < 0x80 ? (KINDS[code] as number) : REFUSED;
    if (kind === PLAIN) {
      atSegmentStart = false;
    } else if (kind === SEPARATOR) {
      if (atSegmentStart) return rewrite(path, malformed);
      atSegmentStart = true;
    } else if (kind === DOT) {
      if (atSegmentStart) return rewrite(path, malformed);
    } else if (kind === REFUSED) {
      return undefined;
    } else {
      return rewrite(path, malformed);
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
function rewrite(path: string, malformed: 'refuse' | 'keep'): string | undefined {
  const kept: string[] = [];
  const segments = path.split('/');
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i] as string;
    if (segment === '' || segment === '.') continue;
    if (segment === '..') {
      if (kept.pop() === undefined) return undefined;
      continue;
    }
    const canonical = canonicalSegment(segment) ?? (malformed === 'keep' ? keptSegment(segment) : undefined);
    if (canonical === undefined) return undefined;
    kept.push(canonical);
  }
  const last = segments[segments.length - 1];
  const endsWithSlash = kept.length > 0 && (last === '' || last === '.' || last === '..');
  return `/${kept.join('/')}${endsWithSlash ? '/' : ''}`;
}

function canonicalSegment(segment: string): string | undefined {
  if (isNothingButParameters(segment)) return undefined;
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

/** A segment that is nothing or dots once its parameters are removed: readers disagree on what it names. */
function isNothingButParameters(segment: string): boolean {
  const semicolon = segment.indexOf(';');
  return semicolon >= 0 && /^\.{0,2}$/.test(segment.slice(0, semicolon));
}

/** The segment as it is, unless something in it is refused for another reason than that an escape is malformed. */
function keptSegment(segment: string): string | undefined {
  if (isNothingButParameters(segment)) return undefined;
  // The byte of the escape right before.
  let before = -1;
  for (let i = 0; i < segment.length; i++) {
    const code = segment.charCodeAt(i);
    if (code !== PERCENT) {
      if (code >= 0x80 || KINDS[code] === REFUSED) return undefined;
      before = -1;
      continue;
    }
    const high = hexDigit(segment, i + 1);
    const low = hexDigit(segment, i + 2);
    if (high >= 0 && low >= 0) {
      const byte = (high << 4) | low;
      if (isRefusedEscape(byte) || isOverlong(before, byte)) return undefined;
      before = byte;
      i += 2;
      continue;
    }
    before = -1;
    const wide = /^%u([0-9a-f]{4})/i.exec(segment.slice(i, i + 6))?.[1];
    if (wide !== undefined && isRefusedEscape(Number.parseInt(wide, 16))) return undefined;
  }
  return segment;
}

/** The begin of an overlong form (RFC 3629 §3): a careless decoder makes an ASCII character of it. */
function isOverlong(lead: number, next: number): boolean {
  if (next < 0x80 || next > 0xbf) return false;
  if (lead === 0xe0) return next < 0xa0;
  if (lead === 0xf0) return next < 0x90;
  return lead === 0xc0 || lead === 0xc1 || (lead >= 0xf8 && lead <= 0xfd);
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
