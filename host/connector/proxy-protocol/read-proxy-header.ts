import { readBinaryHeader, SIGNATURE } from './binary-header.js';
import { ABSENT, INCOMPLETE, type ProxyHeader } from './proxy-header.js';
import { readTextHeader } from './text-header.js';

const TEXT_BEGINNING = Buffer.from('PROXY ', 'latin1');

/**
 * Reads a header of version 1 or 2 of the PROXY protocol (haproxy.org, `proxy-protocol.txt`) from all bytes that have come
 * so far. Strict, and pure: the same bytes give the same result however they were split. Whatever it is, it is known after
 * at most `MAX_BINARY_BYTES`.
 */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (beginsLike(bytes, SIGNATURE))
    return bytes.length < SIGNATURE.length ? INCOMPLETE : readBinaryHeader(bytes);
  if (beginsLike(bytes, TEXT_BEGINNING))
    return bytes.length < TEXT_BEGINNING.length ? INCOMPLETE : readTextHeader(bytes);
  return ABSENT;
}

/** True when `bytes`, as far as they go, are the beginning. */
function beginsLike(bytes: Buffer, beginning: Buffer): boolean {
  const length = Math.min(bytes.length, beginning.length);
  return bytes.compare(beginning, 0, length, 0, length) === 0;
}
