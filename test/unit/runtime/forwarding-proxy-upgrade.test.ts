import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createNetServer, type Socket } from 'node:net';
import { afterAll, describe, expect, it } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { Forwarding, requestText, WEB_SOCKET } from '#test/support/forwarding.js';
import { settle, until } from '#test/support/polling.js';

const forwarding = new Forwarding();
afterAll(() => forwarding.close());

const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const HANDSHAKE = requestText('GET', '/', WEB_SOCKET);

/** A proxy to an upstream that answers like this, and the upstream's sockets. */
async function answering(
  answer: (socket: Socket) => void,
  limits = {},
): Promise<{ port: number; sockets: Socket[]; received: string[] }> {
  const sockets: Socket[] = [];
  const { port, received } = await forwarding.raw((socket) => {
    sockets.push(socket);
    answer(socket);
  });
  return { port: await forwarding.to(`http://127.0.0.1:${port}`, limits), sockets, received };
}

describe('a WebSocket', () => {
  it('is carried in both directions, with what came along with the heads', async () => {
    const { port, received } = await answering((socket) => socket.write(`${SWITCHING}early`));
    const client = await forwarding.client(port);
    client.send(`${HANDSHAKE}first`);
    expect((await client.response())?.status).toBe(101);
    expect((await client.bytes(5)).toString()).toBe('early');
    client.send('second');
    await until('all is there', () => received[0]?.endsWith('firstsecond') === true);
    expect(received[0]).toMatch(/^connection: Upgrade\r$/im);
    expect(received[0]).toMatch(/^upgrade: websocket\r$/im);
  });

  it('begins on a connection of its own, so that no dead one is used', async () => {
    const server = createServer((_incoming, response) => response.end());
    const sockets = new WebSocketServer({ server });
    const connections: Socket[] = [];
    server.on('connection', (socket) => connections.push(socket));
    const port = await forwarding.to(`http://127.0.0.1:${await forwarding.listen(server)}`);
    await forwarding.get(port);
    const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
    await once(socket, 'open');
    expect(connections.length).toBe(2);
    socket.terminate();
    await until('it is gone', () => sockets.clients.size === 0);
  });

  it.each([
    ['h2c', requestText('GET', '/', ['Connection: Upgrade', 'Upgrade: h2c'])],
    ['a target that is no path', requestText('GET', 'http://evil.test/', WEB_SOCKET)],
    ['websocket with POST', requestText('POST', '/', WEB_SOCKET)],
  ])('is what an upgrade must be: %s is refused', async (_what, request) => {
    const { port, received } = await answering((socket) => socket.write(SWITCHING));
    expect((await forwarding.ask(port, request)).status).toBe(400);
    expect(received).toEqual([]);
  });

  it.each([
    ['the client resets', (client: Socket) => client.resetAndDestroy()],
    ['the client leaves', (client: Socket) => client.destroy()],
    ['the upstream resets', (_client: Socket, upstream: Socket) => upstream.resetAndDestroy()],
    ['the upstream leaves', (_client: Socket, upstream: Socket) => upstream.destroy()],
  ])('ends on both sides when %s', async (_what, end) => {
    const { port, sockets } = await answering((socket) => socket.write(SWITCHING));
    const client = await forwarding.socket(port);
    client.write(HANDSHAKE);
    await once(client, 'data');
    const upstream = sockets[0] as Socket;
    end(client, upstream);
    await until('both are closed', () => client.destroyed && upstream.destroyed);
  });

  it('ends with nothing of ours, also for a client that keeps its direction open', async () => {
    const { port, sockets } = await answering((socket) => socket.write(SWITCHING));
    const client = await forwarding.client(port);
    client.send(HANDSHAKE);
    expect((await client.response())?.status).toBe(101);
    sockets[0]?.resetAndDestroy();
    expect((await client.bytes(1)).toString()).toBe('');
    await until('the client is let go', () => {
      client.send('x');
      return client.error !== undefined;
    });
  });

  it('lets the upstream go when the client resets before the answer', async () => {
    const { port, sockets } = await answering(() => undefined);
    const client = await forwarding.socket(port);
    client.write(HANDSHAKE);
    await until('the upstream is asked', () => sockets.length > 0);
    client.resetAndDestroy();
    await until('it is let go', () => sockets[0]?.destroyed === true);
  });
});

describe('an upstream that declines a WebSocket', () => {
  it('is heard, with its body and without the fields of its connection', async () => {
    const { port } = await answering((socket) =>
      socket.end(
        'HTTP/1.1 403 No\x01\r\nConnection: close, X-Private\r\nX-Private: 1\r\nTrailer: X\r\nX-Kept: 1\r\n' +
          'Transfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n',
      ),
    );
    const { status, headers, body, isComplete } = await forwarding.ask(port, HANDSHAKE);
    expect([status, body.toString(), isComplete]).toEqual([403, 'no', true]);
    expect(headers).toEqual([
      ['x-kept', '1'],
      ['connection', 'close'],
    ]);
  });

  it.each([
    ['closes', (socket: Socket) => socket.destroy()],
    ['resets', (socket: Socket) => socket.resetAndDestroy()],
  ])('and %s within a body of known length is cut', async (_what, end) => {
    const { port } = await answering((socket) => {
      socket.write('HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nno');
      void settle(20).then(() => end(socket));
    });
    const { isComplete, body } = await forwarding.ask(port, HANDSHAKE);
    expect([isComplete, body.toString()]).toEqual([false, 'no']);
  });

  it('by closing gives a 502', async () => {
    const { port } = await answering((socket) => socket.destroy());
    expect((await forwarding.ask(port, HANDSHAKE)).status).toBe(502);
  });

  it('by saying nothing gives a 504', async () => {
    const { port, sockets } = await answering(() => undefined, { connectMs: 600_000, responseMs: 200 });
    expect((await forwarding.ask(port, HANDSHAKE)).status).toBe(504);
    await until('it is let go', () => sockets[0]?.destroyed === true);
  });

  it('by no handshake gives a 504', async () => {
    const upstream = await forwarding.listen(createNetServer((socket) => socket.resume()));
    const port = await forwarding.to(`https://127.0.0.1:${upstream}`, {
      connectMs: 200,
      responseMs: 600_000,
    });
    expect((await forwarding.ask(port, HANDSHAKE)).status).toBe(504);
  });

  it('and stops within its body is cut', async () => {
    const { port } = await answering(
      (socket) => socket.write('HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nno'),
      { idleMs: 200 },
    );
    expect((await forwarding.ask(port, HANDSHAKE)).isComplete).toBe(false);
  });
});
