import { PorticoError } from '../errors.js';
import { decodeBase64Text } from './base64.js';

/**
 * How the value of a cookie is written: `uri` percent-encodes (the default: any text survives), `raw` leaves it as it
 * is, `quoted` puts quotes around it where it has a space or a comma, `base64` encodes its UTF-8.
 */
export type CookieEncoding = 'uri' | 'raw' | 'quoted' | 'base64';

/** Value as text of a cookie. What the encoding cannot express is `PORTICO_INVALID_COOKIE`. */
export function encodeCookieValue(value: string, encoding: CookieEncoding = 'uri'): string {
  switch (encoding) {
    case 'uri':
      return encodeUri(value);
    case 'raw':
      if (!/^[\x21-\x3a\x3c-\x7e]*$/.test(value)) throw unencodable(encoding);
      return value;
    case 'quoted':
      // Readers split at every semicolon, whether it stands in quotes or not (RFC 6265 §5.2).
      if (!/^[\x20\x21\x23-\x3a\x3c-\x7e]*$/.test(value)) throw unencodable(encoding);
      return /[ ,]/.test(value) ? `"${value}"` : value;
    case 'base64':
      return Buffer.from(value).toString('base64');
  }
}

/**
 * Text of a cookie as value; the reverse of `encodeCookieValue`. Undefined when the text is not in this encoding: a bad
 * escape, bad base64, bytes that are no UTF-8.
 */
export function decodeCookieValue(text: string, encoding: CookieEncoding = 'uri'): string | undefined {
  switch (encoding) {
    case 'uri':
      return decodeUri(text);
    case 'raw':
      return text;
    case 'quoted':
      return unquoteCookieValue(text);
    case 'base64':
      return decodeBase64Text(unquoteCookieValue(text));
  }
}

/** Without the quotes that RFC 6265 §4.1.1 allows around a value. */
export function unquoteCookieValue(text: string): string {
  return text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}

function encodeUri(value: string): string {
  try {
    return encodeURIComponent(value);
  } catch (cause) {
    throw new PorticoError(
      'PORTICO_INVALID_COOKIE',
      'The value of a cookie has half of a surrogate pair, which no encoding can write. Correct the text.',
      { cause },
    );
  }
}

function decodeUri(text: string): string | undefined {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    // URIError is the only way it says that an escape is malformed.
    return undefined;
  }
}

// The value is not told: it may be a secret.
function unencodable(encoding: CookieEncoding): PorticoError {
  return new PorticoError(
    'PORTICO_INVALID_COOKIE',
    `The value of a cookie has a character that the encoding ${encoding} cannot write. Use the encoding uri.`,
  );
}
