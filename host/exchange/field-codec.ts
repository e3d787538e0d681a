import { PorticoError } from '../errors.js';
import { FieldBlock, type Fields } from '../http/field-block.js';
import { MAX_FIELDS, MAX_HEAD_BYTES, ProtocolViolation, readU16, writeU16 } from './frame.js';

/**
 * Field sections on the wire: a table with the length of each name and value, elsewhere the text of all of them one
 * behind the other. Both directions check every byte, so that neither a hostile peer nor a careless application can
 * put a line end into a field.
 */

/** Bytes of one entry of the table: length of the name, length of the value. */
export const FIELD_ENTRY_BYTES = 4;

/** Text of this length or more is written by a native call, shorter text byte by byte. */
const NATIVE_TEXT = 80;

/** 1 for the bytes of a token (RFC 9110 §5.6.2). */
const TOKEN = tableOf((byte) => /^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/.test(String.fromCharCode(byte)));
/** 1 for the bytes of a field value: VCHAR, SP, HTAB and obs-text (RFC 9110 §5.5). */
const VALUE = tableOf((byte) => byte === 0x09 || (byte >= 0x20 && byte !== 0x7f));
/** 1 for what may stand in a request target, a host or an address: no control byte, no space. */
const VISIBLE = tableOf((byte) => byte > 0x20 && byte !== 0x7f);

/** Number of fields. */
export function countOf(fields: Fields): number {
  return fields instanceof FieldBlock ? fields.offsets.length >> 2 : fields.length >> 1;
}

/**
 * Bytes that table and text of `fields` take.
 * Throws PORTICO_EXCHANGE_HEAD_TOO_LARGE when they go beyond what a head may have.
 */
export function sizeOf(fields: Fields): number {
  let size = 0;
  let count = 0;
  if (fields instanceof FieldBlock) {
    const { offsets } = fields;
    count = offsets.length >> 2;
    for (let o = 0; o < offsets.length; o += 2) size += (offsets[o + 1] as number) - (offsets[o] as number);
  } else {
    count = fields.length >> 1;
    for (let i = 0; i < fields.length; i++) size += (fields[i] as string).length;
  }
  size += count * FIELD_ENTRY_BYTES;
  if (count > MAX_FIELDS || size > MAX_HEAD_BYTES) throw tooLarge(size, count);
  return size;
}

/** The error for a head that the protocol cannot carry. */
export function tooLarge(size: number, count: number): PorticoError {
  return new PorticoError(
    'PORTICO_EXCHANGE_HEAD_TOO_LARGE',
    `a head of ${size} bytes with ${count} fields cannot be sent to the peer; ` +
      `at most ${MAX_HEAD_BYTES} bytes and ${MAX_FIELDS} fields: send fewer or shorter fields`,
  );
}

/**
 * Writes the table at `tableAt` and the text at `textAt`; returns the end of the text.
 * Throws PORTICO_EXCHANGE_FIELD for a name that is no token or a value with a control byte or a character above 255.
 */
export function writeFields(fields: Fields, bytes: Buffer, tableAt: number, textAt: number): number {
  let entry = tableAt;
  let at = textAt;
  if (fields instanceof FieldBlock) {
    const { bytes: from, offsets } = fields;
    for (let o = 0; o < offsets.length; o += 4, entry += FIELD_ENTRY_BYTES) {
      const name = offsets[o] as number;
      const value = offsets[o + 2] as number;
      const nameLength = (offsets[o + 1] as number) - name;
      const valueLength = (offsets[o + 3] as number) - value;
      writeU16(bytes, entry, nameLength);
      writeU16(bytes, entry + 2, valueLength);
      copyBytes(from, name, nameLength, bytes, at);
      at += nameLength;
      copyBytes(from, value, valueLength, bytes, at);
      at += valueLength;
    }
    return at;
  }
  for (let i = 0; i + 1 < fields.length; i += 2, entry += FIELD_ENTRY_BYTES) {
    const name = fields[i] as string;
    const value = fields[i + 1] as string;
    writeU16(bytes, entry, name.length);
    writeU16(bytes, entry + 2, value.length);
    if (name.length === 0 || !writeText(name, bytes, at, TOKEN)) throw badField(name, value);
    at += name.length;
    if (!writeText(value, bytes, at, VALUE)) throw badField(name, value);
    at += value.length;
  }
  return at;
}

/**
 * Writes a request target, host or address; returns its end.
 * Throws PORTICO_EXCHANGE_FIELD when it holds a space, a control byte or a character above 255.
 */
export function writeVisible(text: string, bytes: Buffer, at: number): number {
  if (!writeText(text, bytes, at, VISIBLE)) throw badField('request target', text);
  return at + text.length;
}

/** Writes a method or protocol name; returns its end. Throws PORTICO_EXCHANGE_FIELD when it is no token. */
export function writeToken(text: string, bytes: Buffer, at: number): number {
  if (text.length === 0 || !writeText(text, bytes, at, TOKEN)) throw badField('method', text);
  return at + text.length;
}

/**
 * Checks a received section of `count` fields and returns the end of its text. The table lies at `tableAt`, the text
 * begins at `textAt`, nothing may reach beyond `end`. Throws a ProtocolViolation.
 */
export function checkFields(
  bytes: Buffer,
  tableAt: number,
  count: number,
  textAt: number,
  end: number,
): number {
  let at = textAt;
  for (let i = 0, entry = tableAt; i < count; i++, entry += FIELD_ENTRY_BYTES) {
    const nameEnd = at + readU16(bytes, entry);
    const valueEnd = nameEnd + readU16(bytes, entry + 2);
    if (valueEnd > end) throw new ProtocolViolation(`field ${i} reaches beyond the end of its frame`);
    if (nameEnd === at) throw new ProtocolViolation(`field ${i} has no name`);
    if (!isOf(TOKEN, bytes, at, nameEnd)) throw new ProtocolViolation(`the name of field ${i} is no token`);
    if (!isOf(VALUE, bytes, nameEnd, valueEnd))
      throw new ProtocolViolation(`the value of field ${i} holds a control byte`);
    at = valueEnd;
  }
  return at;
}

/** The fields of a checked section, white space around values left out (RFC 9110 §5.5). No string is made. */
export function readFields(bytes: Buffer, tableAt: number, count: number, textAt: number): FieldBlock {
  if (count === 0) return FieldBlock.EMPTY;
  const offsets: number[] = [];
  let at = textAt;
  for (let i = 0, entry = tableAt; i < count; i++, entry += FIELD_ENTRY_BYTES) {
    const nameEnd = at + readU16(bytes, entry);
    const next = nameEnd + readU16(bytes, entry + 2);
    let start = nameEnd;
    let end = next;
    while (start < end && isBlank(bytes[start] as number)) start++;
    while (end > start && isBlank(bytes[end - 1] as number)) end--;
    offsets.push(at, nameEnd, start, end);
    at = next;
  }
  return new FieldBlock(bytes, offsets);
}

/** Checks that the bytes are a token, and not none. */
export function isTokenAt(bytes: Buffer, start: number, end: number): boolean {
  return end > start && isOf(TOKEN, bytes, start, end);
}

/** Checks that no space and no control byte is among the bytes; true for none. */
export function isVisible(bytes: Buffer, start: number, end: number): boolean {
  return isOf(VISIBLE, bytes, start, end);
}

function isOf(table: Uint8Array, bytes: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (table[bytes[i] as number] === 0) return false;
  return true;
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}

function copyBytes(from: Buffer, start: number, length: number, to: Buffer, at: number): void {
  if (length >= NATIVE_TEXT) from.copy(to, at, start, start + length);
  else for (let i = 0; i < length; i++) to[at + i] = from[start + i] as number;
}

/** False when a character is not in the table. */
function writeText(text: string, bytes: Buffer, at: number, table: Uint8Array): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    // Above 255 the lookup is undefined, so a character that would be cut to a line end is refused.
    if (table[code] !== 1) return false;
    bytes[at + i] = code;
  }
  return true;
}

function badField(name: string, value: string): PorticoError {
  return new PorticoError(
    'PORTICO_EXCHANGE_FIELD',
    `${JSON.stringify(name)} with the value ${JSON.stringify(value.slice(0, 200))} cannot be sent: a name must be a ` +
      'token, a value must hold no control characters and none above U+00FF; encode the value first',
  );
}

function tableOf(contains: (byte: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (contains(byte) ? 1 : 0));
}
