import type { FieldBlock, Fields } from '../http/field-block.js';
import { checkFields, countOf, FIELD_ENTRY_BYTES, readFields, sizeOf, writeFields } from './field-codec.js';
import { MAX_FIELDS, MAX_HEAD_BYTES, ProtocolViolation, readU16, writeU16 } from './frame.js';

/** Bytes before the field table of RESPONSE and INTERIM: status, count of fields. */
const FIXED_BYTES = 4;

/** Bytes a response or interim head takes, without body. Throws PORTICO_EXCHANGE_HEAD_TOO_LARGE. */
export function sizeOfResponse(fields: Fields): number {
  return FIXED_BYTES + sizeOf(fields);
}

/** Writes the head of RESPONSE or INTERIM at `at`; returns its end. Throws PORTICO_EXCHANGE_FIELD. */
export function writeResponse(status: number, fields: Fields, bytes: Buffer, at: number): number {
  const count = countOf(fields);
  writeU16(bytes, at, status);
  writeU16(bytes, at + 2, count);
  const tableAt = at + FIXED_BYTES;
  return writeFields(fields, bytes, tableAt, tableAt + count * FIELD_ENTRY_BYTES);
}

/**
 * Checks the head of a RESPONSE or INTERIM between `start` and `end` and returns where it ends; the body follows.
 * Throws a ProtocolViolation.
 */
export function checkResponse(bytes: Buffer, start: number, end: number): number {
  if (end - start < FIXED_BYTES) throw new ProtocolViolation(`a response head has only ${end - start} bytes`);
  const count = readU16(bytes, start + 2);
  const tableAt = start + FIXED_BYTES;
  const textAt = tableAt + count * FIELD_ENTRY_BYTES;
  if (count > MAX_FIELDS) throw new ProtocolViolation(`a response head has ${count} fields`);
  if (textAt > end) throw new ProtocolViolation('the field table reaches beyond the end of its frame');
  const headEnd = checkFields(bytes, tableAt, count, textAt, end);
  if (headEnd - start > MAX_HEAD_BYTES)
    throw new ProtocolViolation(`a response head has ${headEnd - start} bytes`);
  return headEnd;
}

/** Status of a checked head. */
export function statusOf(bytes: Buffer, start: number): number {
  return readU16(bytes, start);
}

/** Fields of a checked head. */
export function fieldsOf(bytes: Buffer, start: number): FieldBlock {
  const count = readU16(bytes, start + 2);
  const tableAt = start + FIXED_BYTES;
  return readFields(bytes, tableAt, count, tableAt + count * FIELD_ENTRY_BYTES);
}

/** Bytes that trailers take in an END. Throws PORTICO_EXCHANGE_HEAD_TOO_LARGE. */
export function sizeOfTrailers(trailers: Fields): number {
  return 2 + sizeOf(trailers);
}

/** Writes the payload of END with trailers at `at`; returns its end. Throws PORTICO_EXCHANGE_FIELD. */
export function writeTrailers(trailers: Fields, bytes: Buffer, at: number): number {
  const count = countOf(trailers);
  writeU16(bytes, at, count);
  return writeFields(trailers, bytes, at + 2, at + 2 + count * FIELD_ENTRY_BYTES);
}

/** Trailers of an END; undefined for an empty payload. Throws a ProtocolViolation. */
export function readTrailers(bytes: Buffer, start: number, end: number): FieldBlock | undefined {
  if (end === start) return undefined;
  if (end - start < 2 || end - start > MAX_HEAD_BYTES)
    throw new ProtocolViolation(`END has ${end - start} bytes`);
  const count = readU16(bytes, start);
  const textAt = start + 2 + count * FIELD_ENTRY_BYTES;
  if (count === 0 || count > MAX_FIELDS) throw new ProtocolViolation(`END has ${count} trailer fields`);
  if (textAt > end) throw new ProtocolViolation('the field table reaches beyond the end of its frame');
  if (checkFields(bytes, start + 2, count, textAt, end) !== end)
    throw new ProtocolViolation('END has bytes behind its trailers');
  return readFields(bytes, start + 2, count, textAt);
}
