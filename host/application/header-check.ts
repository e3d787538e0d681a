import { PorticoError } from '../errors.js';
import { isFieldValue, isToken } from '../http/byte-classes.js';

/** Fields that frame the message or belong to the connection; the producer of the exchange writes them. */
const UNSAFE = new Set([
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
  if (!isToken(name))
    throw new PorticoError(
      'PORTICO_INVALID_HEADER',
      `${JSON.stringify(name)} is not a header name. Use letters, digits and -.`,
    );
  checkHeaderValue(name, value);
  if (UNSAFE.has(name.toLowerCase()))
    throw new PorticoError(
      'PORTICO_UNSAFE_HEADER',
      `${name} is controlled by the engine and cannot be set. Leave it away.`,
    );
}

/** The half of `checkHeader` that concerns the value. */
export function checkHeaderValue(name: string, value: string): void {
  if (isFieldValue(value)) return;
  throw new PorticoError(
    'PORTICO_INVALID_HEADER',
    `The value ${JSON.stringify(value)} of header ${name} has a control character or one beyond U+00FF. ` +
      'Encode it, for example with encodeURIComponent.',
  );
}
