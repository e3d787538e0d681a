import { BadRequestError } from './http-errors.js';

/**
 * Decodes `%XX` as UTF-8. Bytes that are no UTF-8 become U+FFFD; a `%` without two hexadecimal digits is
 * `PORTICO_BAD_ESCAPE` (400). With `plusIsSpace` a `+` becomes a space, as in forms.
 */
export function decodePercent(text: string, plusIsSpace: boolean): string {
  const spaced = plusIsSpace && text.includes('+') ? text.replaceAll('+', ' ') : text;
  return spaced.includes('%') ? decodeEscapes(spaced) : spaced;
}

function decodeEscapes(text: string): string {
  if (BAD_ESCAPE.test(text))
    throw new BadRequestError(`${JSON.stringify(text)} has a % without two hexadecimal digits behind it.`, {
      code: 'PORTICO_BAD_ESCAPE',
    });
  return text.replace(ESCAPES, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'));
}

const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2})/;
const ESCAPES = /(?:%[0-9A-Fa-f]{2})+/g;
