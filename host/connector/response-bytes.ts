import { FIELD_VALUE, TOKEN } from '../http/byte-classes.js';
import type { Fields } from '../http/field-block.js';
import { currentHttpDate } from '../http/http-date.js';
import { statusText } from '../http/status-text.js';
import { asksToClose } from './connection-tokens.js';
import { contentLengthAt, FieldKind, fieldKindAt } from './field-kind.js';

/**
 * Writes response fields as bytes and checks every one of them on the way: a field that could end its line early is
 * refused (RFC 9110 §5.5). Framing and connection fields of the application are taken out; the connector writes its
 * own. What it learned is in the properties until the next call. One writer serves a whole process.
 */
export class FieldWriter {
  /** Value of Content-Length, -1 when there is none. */
  contentLength = -1;
  hasDate = false;
  hasUpgrade = false;
  hasTransportSecurity = false;
  /** The application asks to close the connection after the answer. */
  asksClose = false;
  /** `Strict-Transport-Security: …` with its CRLF, for answers that do not have it; undefined on most connectors. */
  readonly transportSecurityLine: Buffer | undefined;

  /** `transportSecurity`: value of Strict-Transport-Security (RFC 6797 §6.1), for connectors with TLS. */
  constructor(transportSecurity?: string | undefined) {
    this.transportSecurityLine =
      transportSecurity === undefined
        ? undefined
        : Buffer.from(`Strict-Transport-Security: ${transportSecurity}\r\n`, 'latin1');
  }

  /** Upper bound of the bytes that `write` needs. */
  size(fields: Fields): number {
    let size = 0;
    if ('offsets' in fields) {
      const { offsets } = fields;
      for (let i = 0; i < offsets.length; i += 2) {
        size += (offsets[i + 1] as number) - (offsets[i] as number) + 2;
      }
      return size;
    }
    for (let i = 0; i < fields.length; i++) size += (fields[i] as string).length + 2;
    return size;
  }

  /** Writes field lines to `target` from `at` on. Gives the end, or -1 when a field is illegal. */
  write(target: Buffer, at: number, fields: Fields, keepsUpgrade: boolean): number {
    this.contentLength = -1;
    this.hasDate = this.hasUpgrade = this.asksClose = this.hasTransportSecurity = false;
    let position = at;
    const isBlock = 'offsets' in fields;
    const count = isBlock ? fields.offsets.length >> 2 : fields.length >> 1;
    if (!isBlock && fields.length % 2 === 1) return -1;
    for (let index = 0; index < count; index++) {
      const nameStart = position;
      if (isBlock) {
        const o = index << 2;
        const { bytes, offsets } = fields;
        position = copyBytes(bytes, offsets[o] as number, offsets[o + 1] as number, target, position, TOKEN);
      } else {
        position = copyText(fields[index * 2] as string, target, position, TOKEN);
      }
      if (position <= nameStart) return -1;
      const nameEnd = position;
      target[position++] = 0x3a;
      target[position++] = 0x20;
      const valueStart = position;
      if (isBlock) {
        const o = index << 2;
        const { bytes, offsets } = fields;
        position = copyBytes(
          bytes,
          offsets[o + 2] as number,
          offsets[o + 3] as number,
          target,
          position,
          FIELD_VALUE,
        );
      } else {
        position = copyText(fields[index * 2 + 1] as string, target, position, FIELD_VALUE);
      }
      if (position < 0) return -1;
      const kind = fieldKindAt(target, nameStart, nameEnd);
      if (kind !== FieldKind.OTHER && !this.keeps(kind, target, valueStart, position, keepsUpgrade)) {
        if (kind === FieldKind.CONTENT_LENGTH && this.contentLength < 0) return -1;
        position = nameStart;
        continue;
      }
      target[position++] = 0x0d;
      target[position++] = 0x0a;
    }
    return position;
  }

  /** Notes a field the connector cares for; false: it is not copied. */
  private keeps(
    kind: FieldKind,
    bytes: Buffer,
    valueStart: number,
    valueEnd: number,
    keepsUpgrade: boolean,
  ): boolean {
    switch (kind) {
      case FieldKind.DATE:
        if (this.hasDate) return false;
        this.hasDate = true;
        return true;
      case FieldKind.CONTENT_LENGTH: {
        // RFC 9110 §8.6: never two of them. A second one spoils the first.
        const isFirst = this.contentLength === -1;
        this.contentLength = isFirst ? contentLengthAt(bytes, valueStart, valueEnd) : -2;
        return false;
      }
      case FieldKind.UPGRADE:
        this.hasUpgrade = true;
        return keepsUpgrade;
      case FieldKind.CONNECTION:
        this.asksClose ||= asksToClose(bytes.toString('latin1', valueStart, valueEnd));
        return false;
      case FieldKind.STRICT_TRANSPORT_SECURITY:
        this.hasTransportSecurity = true;
        return true;
      case FieldKind.TRANSFER_ENCODING:
      case FieldKind.HOP_BY_HOP:
      case FieldKind.TE:
        return false;
      default:
        return true;
    }
  }
}

/** The status line with its CRLF; one buffer for each status. */
export function statusLine(status: number): Buffer {
  let line = STATUS_LINES[status];
  if (line === undefined) {
    line = Buffer.from(`HTTP/1.1 ${status} ${statusText(status)}\r\n`, 'latin1');
    STATUS_LINES[status] = line;
  }
  return line;
}

/** `Date: …` with its CRLF, of this second. */
export function dateLine(): Buffer {
  const text = currentHttpDate();
  if (text !== dateText) {
    dateText = text;
    dateBytes = Buffer.from(`Date: ${text}\r\n`, 'latin1');
  }
  return dateBytes;
}

/** Writes an ASCII text without checking it; gives its end. */
export function putText(text: string, target: Buffer, at: number): number {
  for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** Writes a number in decimal digits; gives its end. */
export function putNumber(value: number, target: Buffer, at: number): number {
  if (value < 10) {
    target[at] = 0x30 + value;
    return at + 1;
  }
  return putText(String(value), target, at);
}

/** Copies bytes; gives their end. */
export function putBytes(bytes: Buffer, target: Buffer, at: number): number {
  target.set(bytes, at);
  return at + bytes.length;
}

/** Writes a body of `size` bytes, strings as UTF-8; gives its end. */
export function putBody(body: string | Uint8Array, target: Buffer, at: number, size: number): number {
  if (typeof body !== 'string') {
    target.set(body, at);
  } else if (size === body.length && size < 128) {
    // As many bytes as characters: all of them are ASCII.
    putText(body, target, at);
  } else {
    target.write(body, at, size, 'utf8');
  }
  return at + size;
}

const STATUS_LINES: (Buffer | undefined)[] = new Array<Buffer | undefined>(600).fill(undefined);
let dateText = '';
let dateBytes: Buffer = Buffer.alloc(0);

function copyBytes(
  from: Buffer,
  start: number,
  end: number,
  target: Buffer,
  at: number,
  allowed: Uint8Array,
): number {
  let position = at;
  for (let i = start; i < end; i++) {
    const byte = from[i] as number;
    if (allowed[byte] !== 1) return -1;
    target[position++] = byte;
  }
  return position;
}

function copyText(text: string, target: Buffer, at: number, allowed: Uint8Array): number {
  if (typeof text !== 'string') return -1;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (allowed[code] !== 1) return -1;
    target[at + i] = code;
  }
  return at + text.length;
}
