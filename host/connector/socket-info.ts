import type { Socket } from 'node:net';
import type { ConnectionInfo } from '../exchange/exchange.js';

/** Addresses of a connection, read while the socket is open; '' and 0 where there are none (Unix sockets). */
export function connectionInfoOf(socket: Socket, isSecure: boolean): ConnectionInfo {
  return {
    remoteAddress: plainAddress(socket.remoteAddress),
    remotePort: socket.remotePort ?? 0,
    localAddress: plainAddress(socket.localAddress),
    localPort: socket.localPort ?? 0,
    isSecure,
  };
}

/** An IPv4 client of a dual-stack socket appears as what it is. */
function plainAddress(address: string | undefined): string {
  if (address === undefined) return '';
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}
