import { PorticoError } from '../errors.js';
import type { RequestHead } from './exchange.js';

/** The handler called a method of `Exchange` that its state does not allow. */
export function illegalCall(verb: string, state: string): PorticoError {
  return new PorticoError(
    'PORTICO_ILLEGAL_EXCHANGE_CALL',
    `Exchange.${verb} is not allowed now: ${state}. Answer every exchange once: respond, or begin, write and end.`,
  );
}

/** The handler gave a response head that must not be sent; `what` is wrong with it. */
export function illegalResponse(head: RequestHead, what: string): PorticoError {
  return new PorticoError(
    'PORTICO_ILLEGAL_RESPONSE',
    `The response to ${head.method} ${head.path} cannot be sent: ${what}; answered with 500. ` +
      'Send field names that are tokens, values without control characters, one Content-Length, and a status ' +
      'from 200 to 599.',
  );
}

/** The response has begun and turned out wrong; `what` is. */
export function truncatedResponse(head: RequestHead, what: string): PorticoError {
  return new PorticoError(
    'PORTICO_RESPONSE_TRUNCATED',
    `The response to ${head.method} ${head.path} was cut: ${what}. ` +
      'Send as many bytes as Content-Length says, or leave it out.',
  );
}
