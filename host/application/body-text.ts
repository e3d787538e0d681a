import type { ApplicationCall } from './application-call.js';
import { BadRequestError } from './http-errors.js';
import { requestMediaType } from './request-media-type.js';

/**
 * Body bytes as a text, by the charset of Content-Type; UTF-8 without one. A charset that is not known is
 * `PORTICO_BAD_CHARSET` (400); bytes that are none of the charset become U+FFFD.
 */
export function decodeBodyText(call: ApplicationCall, bytes: Uint8Array): string {
  const charset = requestMediaType(call.request.contentType)?.charset;
  if (charset === undefined || charset === 'utf-8')
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch (cause) {
    throw new BadRequestError(`The charset ${JSON.stringify(charset)} of Content-Type is not known.`, {
      cause,
      code: 'PORTICO_BAD_CHARSET',
    });
  }
}
