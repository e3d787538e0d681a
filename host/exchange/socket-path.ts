import { PorticoError } from '../errors.js';

/** Longest path of a Unix socket on Linux: `sun_path` has 108 bytes with the closing NUL; other systems have 104. */
const MAX_SOCKET_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

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
