import { createServer, type Server, type Socket } from 'node:net';

/** A server that hands every connection over before anything is read of it. The caller calls `listen` and `close` on it. */
export function createPlainServer(accept: (socket: Socket) => void): Server {
  return createServer({ allowHalfOpen: true, noDelay: true }, accept);
}
