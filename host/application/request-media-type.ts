import { PorticoError } from '../errors.js';
import { MediaType } from '../http/media-type.js';
import { BadRequestError } from './http-errors.js';

/** Content-Type of a request; undefined when there is none. Malformed is `PORTICO_BAD_CONTENT_TYPE` (400). */
export function requestMediaType(contentType: string | undefined): MediaType | undefined {
  if (contentType === undefined) return undefined;
  try {
    return MediaType.parse(contentType);
  } catch (cause) {
    if (!(cause instanceof PorticoError)) throw cause;
    throw new BadRequestError(`Content-Type ${JSON.stringify(contentType)} is malformed.`, {
      cause,
      code: 'PORTICO_BAD_CONTENT_TYPE',
    });
  }
}
