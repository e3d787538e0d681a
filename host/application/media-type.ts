import { BadRequestError } from './http-errors.js';

/** `type/subtype` of a Content-Type value in lower case, without parameters. Malformed is 400. */
export function mediaTypeOf(contentType: string): string {
  const type = (contentType.split(';', 1)[0] as string).trim().toLowerCase();
  if (!MEDIA_TYPE.test(type))
    throw new BadRequestError(`Content-Type ${JSON.stringify(contentType)} is malformed.`, {
      code: 'PORTICO_BAD_CONTENT_TYPE',
    });
  return type;
}

/** Parameter `charset` of a Content-Type value in lower case, without quotes. */
export function charsetOf(contentType: string): string | undefined {
  return CHARSET.exec(contentType)?.[1]?.toLowerCase();
}

/** RFC 9110 §8.3.1. */
const MEDIA_TYPE = /^[!#$%&'*+\-.^_`|~0-9a-z]+\/[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]+)"?/i;
