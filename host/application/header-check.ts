import { kindOf, PorticoError } from '../errors.js';
import { isFieldValue, isToken } from '../http/byte-classes.js';

/**
 * Fields, in lower case, that frame the message or belong to the connection (RFC 9110 §7.6.1); the producer of the
 * exchange writes them.
 */
export const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Refuses what would change the meaning of the response head: `PORTICO_INVALID_HEADER` for a name that is no token or
 * a value with CR, LF, NUL, other controls or characters beyond U+00FF; `PORTICO_UNSAFE_HEADER` for fields of the
 * connection.
 */
export function checkHeader(name: string, value: string): void {
  checkedHeaderName(name, value);
}

/** As `checkHeader`; gives the name in lower case. */
export function checkedHeaderName(name: string, value: string): string {
  const lower = GOOD.get(name) ?? checkHeaderName(name);
  checkHeaderValue(name, value);
  return lower;
}

/** Names that were found good, so that they are looked at once, in lower case. A program uses a few dozen. */
const GOOD = new Map<string, string>();
const MAX_GOOD = 1000;
const MAX_GOOD_LENGTH = 64;

function checkHeaderName(name: string): string {
  if (typeof name !== 'string' || !isToken(name))
    throw new PorticoError(
      'PORTICO_INVALID_HEADER',
      `${JSON.stringify(name)} is not a header name. Use letters, digits and -.`,
    );
  const lower = name.toLowerCase();
  if (CONNECTION_FIELDS.has(lower))
    throw new PorticoError(
      'PORTICO_UNSAFE_HEADER',
      `${name} is controlled by the engine and cannot be set. Leave it away.`,
    );
  if (GOOD.size < MAX_GOOD && name.length <= MAX_GOOD_LENGTH) GOOD.set(name, lower);
  return lower;
}

/** The half of `checkHeader` that concerns the value. */
export function checkHeaderValue(name: string, value: string): void {
  // Programs in JavaScript give numbers and undefined.
  if (typeof value !== 'string')
    throw new PorticoError(
      'PORTICO_INVALID_HEADER',
      `The value of header ${name} is no text but ${kindOf(value)}. Make a text of it, for example with String().`,
    );
  if (isFieldValue(value)) return;
  throw new PorticoError(
    'PORTICO_INVALID_HEADER',
    `The value ${JSON.stringify(value)} of header ${name} has a control character or one beyond U+00FF. ` +
      'Encode it, for example with encodeURIComponent.',
  );
}
