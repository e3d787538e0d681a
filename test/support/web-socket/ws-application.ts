import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { MAX_MESSAGE_BYTES } from './large-cases.js';

/** The same without the framework: a program that knows `ws` only. Entry of a bundle. */
const server = createServer((_request, response) => {
  response.end('plain');
});
const sockets = new WebSocketServer({ server, perMessageDeflate: true, maxPayload: MAX_MESSAGE_BYTES });
sockets.on('connection', (socket) => {
  socket.on('error', () => undefined);
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
server.listen(0);
