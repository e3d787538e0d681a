import { equalsLower } from './byte-classes.js';
import { FieldBlock } from './field-block.js';

/**
 * The fields in which proxies say what they know of a client: `Forwarded` (RFC 7239) and everything that begins with
 * `X-Forwarded-`. Whoever can send them can say what he likes.
 */
export function hasForwardedFields({ bytes, offsets }: FieldBlock): boolean {
  const end = offsets.length;
  for (let o = 0; o < end; o += 4) {
    const start = offsets[o] as number;
    const length = (offsets[o + 1] as number) - start;
    // Most names are shorter; asked of every request, this is to cost nothing.
    if (length < FORWARDED.length) continue;
    const first = (bytes[start] as number) | 0x20;
    if ((first === 0x78 || first === 0x66) && isForwardedName(bytes, start, start + length)) return true;
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
