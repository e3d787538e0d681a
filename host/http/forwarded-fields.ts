import { equalsLower } from './byte-classes.js';
import { FieldBlock } from './field-block.js';

/**
 * The fields in which proxies say what they know of a client: `Forwarded` (RFC 7239) and everything that begins with
 * `X-Forwarded-`. Whoever can send them can say what he likes.
 */
export function hasForwardedFields({ bytes, offsets }: FieldBlock): boolean {
  for (let o = 0; o < offsets.length; o += 4) {
    if (isForwardedName(bytes, offsets[o] as number, offsets[o + 1] as number)) return true;
  }
  return false;
}

/** The same fields without these. */
export function withoutForwardedFields({ bytes, offsets }: FieldBlock): FieldBlock {
  const kept: number[] = [];
  for (let o = 0; o < offsets.length; o += 4) {
    if (!isForwardedName(bytes, offsets[o] as number, offsets[o + 1] as number))
      kept.push(...offsets.slice(o, o + 4));
  }
  return new FieldBlock(bytes, kept);
}

function isForwardedName(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length === FORWARDED.length) return equalsLower(bytes, start, end, FORWARDED);
  return (
    length > PREFIX.length &&
    ((bytes[start] as number) | 0x20) === 0x78 &&
    equalsLower(bytes, start, start + PREFIX.length, PREFIX)
  );
}

const FORWARDED = 'forwarded';
const PREFIX = 'x-forwarded-';
