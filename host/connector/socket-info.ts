import type { Socket } from 'node:net';
import type { ConnectionInfo } from '../exchange/exchange.js';
import { plainAddress } from '../http/address-ranges.js';

/** Addresses of a connection, read while the socket is open; '' and 0 where there are none (Unix sockets). */
export function connectionInfoOf(socket: Socket, isSecure: boolean): ConnectionInfo {
  return {
    remoteAddress: plainAddress(socket.remoteAddress ?? ''),
    remotePort: socket.remotePort ?? 0,
    localAddress: plainAddress(socket.localAddress ?? ''),
    localPort: socket.localPort ?? 0,
    isSecure,
  };
}
