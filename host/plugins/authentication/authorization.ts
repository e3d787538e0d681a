import type { ApplicationCall } from '../../application/application-call.js';
import { parseAuthHeader } from '../../http/auth-header.js';

/** Text behind the scheme of Authorization; a failure when there is none that can be used. */
export type SchemeCredentials =
  | { readonly blob: string }
  | { readonly failure: 'no-credentials' | 'invalid-credentials' };

/** More than that is nobody's credentials. */
const MAX_LENGTH = 16_384;

/**
 * Reads the credentials of one of some schemes (in lower case) from the field Authorization. Another scheme counts as no
 * credentials; a malformed field, and two of them, as invalid ones: a client that tries is not anonymous.
 */
export function schemeCredentials(call: ApplicationCall, schemes: readonly string[]): SchemeCredentials {
  const [text, second] = call.request.headers.getAll('authorization');
  if (text === undefined) return { failure: 'no-credentials' };
  if (second !== undefined || text.length > MAX_LENGTH) return { failure: 'invalid-credentials' };
  const header = parseAuthHeader(text);
  if (header === undefined) return { failure: 'invalid-credentials' };
  // RFC 9110 §11.1: schemes have no case.
  if (!schemes.includes(header.scheme.toLowerCase())) return { failure: 'no-credentials' };
  return header.kind === 'blob' ? { blob: header.blob } : { failure: 'invalid-credentials' };
}
