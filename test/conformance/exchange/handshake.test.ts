import { connect } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ExchangeClient } from '#host/exchange/exchange-client.js';
import { ExchangeServer } from '#host/exchange/exchange-server.js';
import { until } from '#test/support/polling.js';
import { bothEnds, SECRET, type Session, temporarySocket } from './ends.js';
import { frame, helloPayload, RawListener, RawPeer, Type } from './raw-peer.js';

const code = (payload: Buffer) => payload.readUInt16BE(0);
const text = (payload: Buffer) => payload.toString('utf8', 2);

describe.each(bothEnds)('handshake of the $name', (end) => {
  let session: Session;
  afterEach(() => session.stop());

  it('is over after both proofs, and pings are answered from then on', async () => {
    session = await end.start();
    await session.shake();
    session.peer.send(frame(Type.PING, 0, 0, 0, Buffer.from('12345678')));
    expect((await session.peer.next(Type.PONG)).payload.toString()).toBe('12345678');
  });

  it('ends with ERROR 4 when the peer stays silent', async () => {
    session = await end.start({ timeoutMs: 80 });
    const error = await session.peer.next(Type.ERROR);
    expect(code(error.payload)).toBe(4);
    await session.peer.closed();
    // The next peer has as little time, and may need another attempt.
    await until('it serves again', () => session.isAlive().catch(() => false));
  });

  it('ends with ERROR 1 for another version, naming both', async () => {
    session = await end.start();
    await session.shakeBadly({ version: 1 });
    const error = await session.peer.next(Type.ERROR);
    expect(code(error.payload)).toBe(1);
    expect(text(error.payload)).toMatch(/version 1 .* version 2/);
    await session.peer.closed();
  });

  it('ends with ERROR 2 for another secret', async () => {
    session = await end.start();
    await session.shakeBadly({}, 'not the secret');
    const error = await session.peer.next(Type.ERROR);
    expect(code(error.payload)).toBe(2);
    expect(text(error.payload)).not.toContain(SECRET);
    await session.peer.closed();
    expect(await session.isAlive()).toBe(true);
  });

  it.each([
    ['a wrong magic', { magic: 'HTTP/1.1' }],
    ['the wrong role', { role: 7 }],
    ['a window of 0', { window: 0 }],
    ['a window of 4 GiB', { window: 0xffff_ffff }],
    ['a wrong count of exchanges', { maxExchanges: 70_000 }],
  ])('ends with ERROR 3 for %s', async (_, hello) => {
    session = await end.start();
    await session.shakeBadly(hello);
    const error = await session.peer.next(Type.ERROR);
    expect(code(error.payload)).toBe(3);
    await session.peer.closed();
  });

  it.each([
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
    ['a short HELLO', frame(Type.HELLO, 0, 0, 0, Buffer.from('PORTICO\0'))],
    ['an empty HELLO', frame(Type.HELLO, 0, 0, 0)],
    ['a long HELLO', frame(Type.HELLO, 0, 0, 0, Buffer.concat([helloPayload(1), Buffer.alloc(500)]))],
    ['a frame larger than the handshake allows', frame(Type.HELLO, 0, 0, 0, Buffer.alloc(1025))],
    ['PROOF first', frame(Type.PROOF, 0, 0, 0, Buffer.alloc(32))],
    ['PING first', frame(Type.PING, 0, 0, 0, Buffer.alloc(8))],
    ['DATA first', frame(Type.DATA, 0, 0, 0, Buffer.alloc(8))],
    ['WINDOW first', frame(Type.WINDOW, 0, 0, 0, Buffer.alloc(4, 1))],
    ['a reflected HELLO', helloOfBothRoles()],
  ])('ends with ERROR 3 for %s', async (_, bytes) => {
    session = await end.start();
    session.peer.send(bytes);
    const error = await session.peer.next(Type.ERROR);
    expect(code(error.payload)).toBe(3);
    await session.peer.closed();
    expect(await session.isAlive()).toBe(true);
  });

  it('refuses a second HELLO', async () => {
    session = await end.start();
    await session.shake();
    session.peer.send(frame(Type.HELLO, 0, 0, 0, helloPayload(end.name === 'front' ? 2 : 1)));
    expect(code((await session.peer.next(Type.ERROR)).payload)).toBe(3);
  });

  it('survives a peer that leaves in the middle of it', async () => {
    session = await end.start();
    session.peer.send(helloOfBothRoles().subarray(0, 30));
    session.peer.destroy();
    await session.peer.closed();
    expect(await session.isAlive()).toBe(true);
  });
});

describe('ExchangeClient.connect', () => {
  it.each([
    ['PORTICO_EXCHANGE_VERSION', { version: 9 }, SECRET],
    ['PORTICO_EXCHANGE_SECRET', {}, 'other'],
    ['PORTICO_EXCHANGE_PROTOCOL', { role: 1 }, SECRET],
  ])('rejects with %s', async (expected, hello, secret) => {
    const socket = temporarySocket();
    const listener = new RawListener();
    await listener.listen(socket.path);
    const connecting = ExchangeClient.connect({
      socketPath: socket.path,
      secret: SECRET,
      onClosed: () => undefined,
    });
    const peer = await listener.nextPeer();
    const shaking = peer.shakeAsInstance(secret, hello).catch(() => undefined);
    await expect(connecting).rejects.toMatchObject({ code: expected });
    await shaking;
    await peer.closed();
    await listener.close();
    socket.remove();
  });

  it('rejects with PORTICO_EXCHANGE_TIMEOUT when the instance accepts and says nothing', async () => {
    const socket = temporarySocket();
    const listener = new RawListener();
    await listener.listen(socket.path);
    const connecting = ExchangeClient.connect({
      socketPath: socket.path,
      secret: SECRET,
      connectTimeoutMs: 60,
      onClosed: () => undefined,
    });
    await expect(connecting).rejects.toMatchObject({ code: 'PORTICO_EXCHANGE_TIMEOUT' });
    await listener.close();
    socket.remove();
  });

  it('rejects with PORTICO_EXCHANGE_CONNECT when nobody listens', async () => {
    const options = { socketPath: '/nonexistent/s', secret: SECRET, onClosed: () => undefined };
    await expect(ExchangeClient.connect(options)).rejects.toMatchObject({
      code: 'PORTICO_EXCHANGE_CONNECT',
      message: expect.stringContaining('ENOENT'),
    });
  });

  it('rejects a socket path that the system would cut', async () => {
    const options = { socketPath: `/tmp/${'x'.repeat(120)}`, secret: SECRET, onClosed: () => undefined };
    await expect(ExchangeClient.connect(options)).rejects.toMatchObject({
      code: 'PORTICO_EXCHANGE_SOCKET_PATH',
    });
  });

  it('does not accept its own proof back', async () => {
    // A man in the middle without the secret sends the hello of the front back as that of an instance.
    const socket = temporarySocket();
    const listener = new RawListener();
    await listener.listen(socket.path);
    const connecting = ExchangeClient.connect({
      socketPath: socket.path,
      secret: SECRET,
      onClosed: () => undefined,
    });
    const peer = await listener.nextPeer();
    const hello = (await peer.next(Type.HELLO)).payload;
    const instance = Buffer.from(hello);
    instance[10] = 2;
    instance.writeUInt32BE(1, 16);
    peer.send(frame(Type.HELLO, 0, 0, 0, Buffer.concat([instance, Buffer.alloc(32)])));
    await expect(connecting).rejects.toMatchObject({ code: 'PORTICO_EXCHANGE_SECRET' });
    await listener.close();
    socket.remove();
  });
});

describe('ExchangeServer.listen', () => {
  const options = { secret: SECRET, handler: () => undefined };

  it('makes a socket that only its user may use', async () => {
    const { statSync } = await import('node:fs');
    const socket = temporarySocket();
    const server = new ExchangeServer({ ...options, socketPath: socket.path });
    await server.listen();
    expect(statSync(socket.path).mode & 0o777).toBe(0o600);
    await server.close(0);
    socket.remove();
  });

  it('replaces the socket file of a process that is gone, but not that of a living one', async () => {
    const { spawnSync } = await import('node:child_process');
    const socket = temporarySocket();
    const script = `require('net').createServer().listen(${JSON.stringify(socket.path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    const server = new ExchangeServer({ ...options, socketPath: socket.path });
    await server.listen();
    const second = new ExchangeServer({ ...options, socketPath: socket.path });
    await expect(second.listen()).rejects.toMatchObject({ code: 'PORTICO_EXCHANGE_LISTEN' });
    const probe = await RawPeer.connect(socket.path);
    await probe.shakeAsFront(SECRET);
    probe.destroy();
    await server.close(1000);
    socket.remove();
  });

  it('closes at once when fronts are connected that never shook hands', async () => {
    const socket = temporarySocket();
    const server = new ExchangeServer({ ...options, socketPath: socket.path });
    await server.listen();
    const silent = connect({ path: socket.path });
    await new Promise((resolve) => silent.once('connect', resolve));
    // Otherwise this would take longer than the test may.
    await server.close(600_000);
    silent.destroy();
    socket.remove();
  });
});

function helloOfBothRoles(): Buffer {
  // Role 0 is neither of the two.
  return frame(Type.HELLO, 0, 0, 0, helloPayload(1, { role: 0 }));
}
