import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { ListenCapture } from '#host/instance/listen-capture.js';

/** `listen` as a program would call it, on the server's own method, without changing Node for the other tests. */
function captured(): { server: Server; listen: (...args: unknown[]) => Server; listened: Server[] } {
  const listened: Server[] = [];
  const capture = new ListenCapture((server) => listened.push(server as Server));
  const server = createServer();
  const listen = (...args: unknown[]): Server => {
    const restore = capture.install();
    try {
      return (server.listen as (...args: unknown[]) => Server)(...args);
    } finally {
      restore();
    }
  };
  return { server, listen, listened };
}

/** arguments, address that the program sees */
const CALLS: readonly (readonly [string, readonly unknown[], unknown])[] = [
  ['a port', [3000], { address: '::', family: 'IPv6', port: 3000 }],
  ['a port as text', ['3000'], { address: '::', family: 'IPv6', port: 3000 }],
  ['port and host', [80, '0.0.0.0'], { address: '0.0.0.0', family: 'IPv4', port: 80 }],
  ['port and name', [80, 'localhost', 511], { address: '127.0.0.1', family: 'IPv4', port: 80 }],
  ['options', [{ port: 81, host: '::1' }], { address: '::1', family: 'IPv6', port: 81 }],
  ['nothing', [], { address: '::', family: 'IPv6', port: expect.any(Number) }],
  ['port 0', [0], { address: '::', family: 'IPv6', port: expect.any(Number) }],
  ['a path', ['/run/app.sock'], '/run/app.sock'],
  ['a path in options', [{ path: '/run/app.sock' }], '/run/app.sock'],
];

describe('an HTTP server that is captured', () => {
  it.each(CALLS)('listens on %s without opening it', async (_name, args, address) => {
    const { server, listen, listened } = captured();
    const called = new Promise<void>((resolve) => {
      expect(listen(...args, resolve)).toBe(server);
    });
    await called;
    expect(server.listening).toBe(true);
    expect(server.address()).toEqual(address);
    if (typeof address !== 'string') expect((server.address() as { port: number }).port).toBeGreaterThan(0);
    expect(listened).toEqual([server]);
    const closed = once(server, 'close');
    server.close();
    expect(server.listening).toBe(false);
    await closed;
  });

  it('may be unreferenced, closed twice, and listen again', async () => {
    const { server, listen, listened } = captured();
    listen(1234);
    server.unref().ref();
    await new Promise((resolve) => server.close(resolve));
    const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => server.close(resolve));
    expect(error?.code).toBe('ERR_SERVER_NOT_RUNNING');
    await once(listen(1234), 'listening');
    expect(listened).toEqual([server, server]);
    server.close();
  });

  it('throws as Node does for a wrong port, and for listening twice', () => {
    const { server, listen } = captured();
    expect(() => listen(70_000)).toThrow(expect.objectContaining({ code: 'ERR_SOCKET_BAD_PORT' }));
    listen(1234);
    expect(() => listen(1234)).toThrow(expect.objectContaining({ code: 'ERR_SERVER_ALREADY_LISTEN' }));
    server.close();
  });

  it('closes when its signal says so', async () => {
    const { server, listen } = captured();
    const abort = new AbortController();
    listen({ port: 1, signal: abort.signal });
    const closed = once(server, 'close');
    abort.abort();
    await closed;
  });

  it('may be exported first and told to listen afterwards', async () => {
    const listened: unknown[] = [];
    const capture = new ListenCapture((server) => listened.push(server));
    const server = createServer();
    capture.adopt(server);
    await once(server, 'listening');
    const restore = capture.install();
    const again = once(server.listen(8081), 'listening');
    restore();
    await again;
    expect(server.address()).toMatchObject({ port: 8081 });
    server.close();
  });
});

it('other servers listen where they ask', async () => {
  const capture = new ListenCapture(() => undefined);
  const restore = capture.install();
  const plain = createNetServer().listen(0, '127.0.0.1');
  restore();
  await once(plain, 'listening');
  expect((plain.address() as { port: number }).port).toBeGreaterThan(0);
  plain.close();
  await once(plain, 'close');
});
