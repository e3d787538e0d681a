import { equalsLower } from '../http/byte-classes.js';

/**
 * The fields that an HTTP/1.1 connector must understand, recognised by their bytes: length first, then letters.
 * Everything else is `OTHER` and costs no string.
 */
export const FieldKind = {
  OTHER: 0,
  HOST: 1,
  CONTENT_LENGTH: 2,
  TRANSFER_ENCODING: 3,
  CONNECTION: 4,
  UPGRADE: 5,
  EXPECT: 6,
  TE: 7,
  DATE: 8,
  /** Keep-Alive, Proxy-Connection: meant for this connection and of no use to anybody (RFC 9110 §7.6.1). */
  HOP_BY_HOP: 9,
  STRICT_TRANSPORT_SECURITY: 10,
} as const;
export type FieldKind = (typeof FieldKind)[keyof typeof FieldKind];

/** Kind of the field whose name lies at `start` to `end`. */
export function fieldKindAt(bytes: Uint8Array, start: number, end: number): FieldKind {
  switch (end - start) {
    case 2:
      return equalsLower(bytes, start, end, 'te') ? FieldKind.TE : FieldKind.OTHER;
    case 4:
      if (equalsLower(bytes, start, end, 'host')) return FieldKind.HOST;
      return equalsLower(bytes, start, end, 'date') ? FieldKind.DATE : FieldKind.OTHER;
    case 6:
      return equalsLower(bytes, start, end, 'expect') ? FieldKind.EXPECT : FieldKind.OTHER;
    case 7:
      return equalsLower(bytes, start, end, 'upgrade') ? FieldKind.UPGRADE : FieldKind.OTHER;
    case 10:
      if (equalsLower(bytes, start, end, 'connection')) return FieldKind.CONNECTION;
      return equalsLower(bytes, start, end, 'keep-alive') ? FieldKind.HOP_BY_HOP : FieldKind.OTHER;
    case 14:
      return equalsLower(bytes, start, end, 'content-length') ? FieldKind.CONTENT_LENGTH : FieldKind.OTHER;
    case 16:
      return equalsLower(bytes, start, end, 'proxy-connection') ? FieldKind.HOP_BY_HOP : FieldKind.OTHER;
    case 17:
      return equalsLower(bytes, start, end, 'transfer-encoding')
        ? FieldKind.TRANSFER_ENCODING
        : FieldKind.OTHER;
    case 25:
      return equalsLower(bytes, start, end, 'strict-transport-security')
        ? FieldKind.STRICT_TRANSPORT_SECURITY
        : FieldKind.OTHER;
    default:
      return FieldKind.OTHER;
  }
}

/** A Content-Length: digits only, nothing else (RFC 9110 §8.6), at most 2^53 - 1. -1 when it is not one. */
export function contentLengthAt(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return -1;
  let length = 0;
  for (let i = start; i < end; i++) {
    const digit = (bytes[i] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
    if (length > Number.MAX_SAFE_INTEGER) return -1;
  }
  return length;
}
