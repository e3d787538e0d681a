import type { ApplicationCall } from './application-call.js';
import { BadRequestError } from './http-errors.js';
import { requestMediaType } from './request-media-type.js';

/**
 * Body bytes as a text, by the charset of Content-Type; UTF-8 without one. A byte order mark is no part of it. A
 * charset that is not known is `PORTICO_BAD_CHARSET` (400); bytes that are none of the charset become U+FFFD.
 */
export function decodeBodyText(call: ApplicationCall, bytes: Uint8Array): string {
  const charset = requestMediaType(call.request.contentType)?.charset;
  if (charset === undefined || charset === 'utf-8')
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString(
      'utf8',
      hasMark(bytes) ? 3 : 0,
    );
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch (cause) {
    throw new BadRequestError(`The charset ${JSON.stringify(charset)} of Content-Type is not known.`, {
      cause,
      code: 'PORTICO_BAD_CHARSET',
    });
  }
}

/** Many programs on Windows begin with it; RFC 8259 §8.1 lets readers of JSON ignore it, as `TextDecoder` does. */
function hasMark(bytes: Uint8Array): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}
