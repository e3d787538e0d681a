import type { ApplicationCall } from '../../application/application-call.js';
import { AttributeKey } from '../../pipeline/attributes.js';

const ANSWER = new AttributeKey<true>('Compression.suppressed');
const REQUEST = new AttributeKey<true>('Compression.requestSuppressed');

/** The answer to this call is not to be compressed. Right for secrets next to texts that clients choose (BREACH). */
export function suppressCompression(call: ApplicationCall): void {
  call.attributes.put(ANSWER, true);
}

/** What the request sent is to be received as it came. */
export function suppressDecompression(call: ApplicationCall): void {
  call.attributes.put(REQUEST, true);
}

export function isCompressionSuppressed(call: ApplicationCall): boolean {
  return call.attributes.contains(ANSWER);
}

export function isDecompressionSuppressed(call: ApplicationCall): boolean {
  return call.attributes.contains(REQUEST);
}
