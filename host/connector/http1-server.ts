import { createServer, type Server } from 'node:net';
import type { Http1Listener } from './http1-listener.js';

/** A server that hands every connection to `listener`. The caller calls `listen` and `close` on it. */
export function createHttp1Server(listener: Http1Listener): Server {
  return createServer({ allowHalfOpen: true, noDelay: true }, (socket) => listener.attach(socket));
}
