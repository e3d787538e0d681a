import type { ApplicationCall } from '../../application/application-call.js';
import { AttributeKey } from '../../pipeline/attributes.js';

const SUPPRESSED = new AttributeKey<true>('Compression.suppressed');

/** The answer to this call is not to be compressed, nor is what the request sent to be decoded. */
export function suppressCompression(call: ApplicationCall): void {
  call.attributes.put(SUPPRESSED, true);
}

export function isCompressionSuppressed(call: ApplicationCall): boolean {
  return call.attributes.contains(SUPPRESSED);
}
