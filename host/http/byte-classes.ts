/**
 * Tables that say for each byte whether it may stand in a place. One look-up a byte is the whole cost of strictness.
 * Every table has 256 entries; 1 means allowed.
 */

/** Bytes of a token: method, field name, chunk extension name (RFC 9110 §5.6.2). */
export const TOKEN = tableOf("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

/** Bytes within a field value: HTAB, SP, visible ASCII and bytes from 0x80 on (RFC 9110 §5.5). No CR, LF, NUL. */
export const FIELD_VALUE = fieldValueTable();

/** Bytes of a request target: visible ASCII is 1, `?` is 2; `#`, blanks, controls and bytes from 0x80 on end it. */
export const TARGET = targetTable();

/** Value of a hexadecimal digit, or -1. */
export const HEX_DIGIT = hexTable();

/** True for a token of at least one character. */
export function isToken(text: string): boolean {
  if (text.length === 0) return false;
  for (let i = 0; i < text.length; i++) if (TOKEN[text.charCodeAt(i)] !== 1) return false;
  return true;
}

/** True when every character of a field value can be sent as one harmless byte; '' is a value too. */
export function isFieldValue(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (FIELD_VALUE[text.charCodeAt(i)] !== 1) return false;
  return true;
}

/** Compares bytes with a text in lower case, without regard to the case of ASCII letters. */
export function equalsLower(bytes: Uint8Array, start: number, end: number, lower: string): boolean {
  const length = lower.length;
  if (end - start !== length) return false;
  for (let i = 0; i < length; i++) {
    const byte = bytes[start + i] as number;
    if ((byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte) !== lower.charCodeAt(i)) return false;
  }
  return true;
}

function tableOf(characters: string): Uint8Array {
  const table = new Uint8Array(256);
  for (let i = 0; i < characters.length; i++) table[characters.charCodeAt(i)] = 1;
  return table;
}

function fieldValueTable(): Uint8Array {
  const table = new Uint8Array(256).fill(1, 0x20);
  table[0x09] = 1;
  table[0x7f] = 0;
  return table;
}

function targetTable(): Uint8Array {
  const table = new Uint8Array(256).fill(1, 0x21, 0x7f);
  table[0x3f] = 2;
  table[0x23] = 0;
  return table;
}

function hexTable(): Int8Array {
  const table = new Int8Array(256).fill(-1);
  for (let i = 0; i < 16; i++) {
    table[i.toString(16).charCodeAt(0)] = i;
    table[i.toString(16).toUpperCase().charCodeAt(0)] = i;
  }
  return table;
}
