import { isIPv6 } from 'node:net';

/**
 * The value of Host, and the authority of an absolute-form target: host and optional port.
 *
 * Stricter than the grammar of RFC 3986 §3.2.2: a name consists of letters, digits, `-`, `_`, `~`, and single dots
 * between labels (one at the end is allowed). Sub-delimiters and escapes never occur in real host names, and a comma
 * would make the value a list. No user information, no zone, no empty host. Ports are at most 65535.
 */
export function isAuthority(bytes: Buffer, start: number, end: number): boolean {
  if (start >= end || end - start > MAX_LENGTH) return false;
  if (bytes[start] === BRACKET_OPEN) {
    const close = bytes.indexOf(BRACKET_CLOSE, start);
    if (close < 0 || close >= end) return false;
    if (!isIPv6(bytes.toString('latin1', start + 1, close))) return false;
    for (let i = start + 1; i < close; i++) if (bytes[i] === PERCENT) return false;
    return close + 1 === end || (bytes[close + 1] === COLON && isPort(bytes, close + 2, end));
  }
  let labelLength = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (NAME[byte] === 1) {
      labelLength++;
    } else if (byte === DOT) {
      if (labelLength === 0) return false;
      labelLength = 0;
    } else {
      return byte === COLON && i > start && isPort(bytes, i + 1, end);
    }
  }
  return true;
}

/** Host and port as text in lower case; an empty port (`a.example:`) loses its colon. The bytes are valid. */
export function authorityText(bytes: Buffer, start: number, end: number): string {
  const last = bytes[end - 1] === COLON ? end - 1 : end;
  return bytes.toString('latin1', start, last).toLowerCase();
}

/** True when two authorities name the same host and port for this scheme (RFC 9110 §4.2.3). Both in lower case. */
export function isSameAuthority(one: string, other: string, scheme: 'http' | 'https'): boolean {
  const port = scheme === 'http' ? ':80' : ':443';
  return one === other || withoutPort(one, port) === withoutPort(other, port);
}

const MAX_LENGTH = 255 + 6;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;
const COLON = 0x3a;
const DOT = 0x2e;
const PERCENT = 0x25;

const NAME = nameTable();

function nameTable(): Uint8Array {
  const table = new Uint8Array(256);
  const allowed = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~';
  for (let i = 0; i < allowed.length; i++) table[allowed.charCodeAt(i)] = 1;
  return table;
}

function isPort(bytes: Buffer, start: number, end: number): boolean {
  if (end - start > 5) return false;
  let port = 0;
  for (let i = start; i < end; i++) {
    const digit = (bytes[i] as number) - 0x30;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
  }
  return port <= 65_535;
}

function withoutPort(authority: string, port: string): string {
  return authority.endsWith(port) ? authority.slice(0, -port.length) : authority;
}
