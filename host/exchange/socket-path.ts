import { PorticoError } from '../errors.js';
import { MAX_SOCKET_PATH_BYTES } from '../unix-socket-path.js';

/** Throws PORTICO_EXCHANGE_SOCKET_PATH for a path that the system would cut or refuse. */
export function checkSocketPath(socketPath: string): void {
  const size = Buffer.byteLength(socketPath);
  if (size > 0 && size <= MAX_SOCKET_PATH_BYTES) return;
  throw new PorticoError(
    'PORTICO_EXCHANGE_SOCKET_PATH',
    `the socket path ${JSON.stringify(socketPath)} has ${size} bytes; a Unix socket allows 1 to ` +
      `${MAX_SOCKET_PATH_BYTES}: use a shorter folder for the run files`,
  );
}
