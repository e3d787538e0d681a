// A WebSocket chat on `node:http` and `ws`. Nothing in it knows Portico.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';

const page = await readFile(new URL('public/index.html', import.meta.url));

const server = createServer((request, response) => {
  const isPage = request.url === '/' && (request.method === 'GET' || request.method === 'HEAD');
  response.writeHead(isPage ? 200 : 404, {
    'content-type': isPage ? 'text/html; charset=utf-8' : 'text/plain',
  });
  response.end(isPage ? page : 'Not found\n');
});

const room = new WebSocketServer({ server, path: '/room', maxPayload: 16 * 1024 });
room.on('connection', (socket) => {
  announce(`somebody joined, ${room.clients.size} here`);
  socket.on('error', (error) => console.error(`chat: ${error.message}`));
  socket.on('message', (data) => announce(String(data).slice(0, 500)));
  socket.on('close', () => announce(`somebody left, ${room.clients.size} here`));
});

/** @param {string} text */
function announce(text) {
  for (const client of room.clients) if (client.readyState === WebSocket.OPEN) client.send(text);
}

server.listen(process.env.PORT ?? 3000);
