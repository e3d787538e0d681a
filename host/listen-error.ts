import { PorticoError } from './errors.js';

/**
 * What to tell when an address cannot be listened on; `what` names the listener: `Connector http`, `The admin API`,
 * `setting` says where the address is set. Codes: `PORTICO_PORT_IN_USE`, `PORTICO_PORT_FORBIDDEN`,
 * `PORTICO_ADDRESS_UNAVAILABLE`, `PORTICO_LISTEN_FAILED`.
 */
export function listenError(
  what: string,
  setting: string,
  host: string,
  port: number,
  systemCode: string,
  options?: { readonly cause?: unknown },
): PorticoError {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  const { code, reason, advice } = KNOWN[systemCode] ?? {
    code: 'PORTICO_LISTEN_FAILED',
    reason: `the system says ${systemCode}`,
    advice: 'Check the address and the port',
  };
  return new PorticoError(
    code,
    `${what} cannot listen on ${address}: ${reason}. ${advice} (${setting}); port 0 takes a free one.`,
    options,
  );
}

const KNOWN: Readonly<Record<string, { code: string; reason: string; advice: string }>> = {
  EADDRINUSE: {
    code: 'PORTICO_PORT_IN_USE',
    reason: 'another program listens on this port',
    advice: 'Stop that program or choose another port',
  },
  EACCES: {
    code: 'PORTICO_PORT_FORBIDDEN',
    reason: 'the system does not allow this user to use this port',
    advice: 'Choose a port above 1023 or give the process the right to bind',
  },
  EADDRNOTAVAIL: {
    code: 'PORTICO_ADDRESS_UNAVAILABLE',
    reason: 'this machine does not have this address',
    advice: 'Choose one of its addresses, 127.0.0.1, 0.0.0.0 or ::',
  },
  ENOTFOUND: {
    code: 'PORTICO_ADDRESS_UNAVAILABLE',
    reason: 'the host name is not known',
    advice: 'Correct the name or write an address',
  },
};
