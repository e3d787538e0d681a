import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from '@jest/globals';
import { chunked, Forwarding, OK, requestText } from '#test/support/forwarding.js';
import { repositoryFolder } from '#test/support/paths.js';
import { settle, undisturbed, until } from '#test/support/polling.js';

const forwarding = new Forwarding();
afterAll(() => forwarding.close());

describe('connections to the upstream', () => {
  it('are kept, and closed before the upstream says it will', async () => {
    let closed = 0;
    const { port: upstream, received } = await forwarding.raw((socket) => {
      socket.once('end', () => closed++);
      socket.write('HTTP/1.1 200 OK\r\nKeep-Alive: timeout=2\r\nContent-Length: 2\r\n\r\nok');
    });
    const port = await forwarding.to(`http://127.0.0.1:${upstream}`, { keepAliveMs: 30_000 });
    await forwarding.get(port);
    await forwarding.get(port);
    expect(received.length).toBe(1);
    await until('it is closed', () => closed > 0);
  });

  it('are closed after a time of ours', async () => {
    let closed = 0;
    const { port: upstream } = await forwarding.raw((socket) => {
      socket.once('end', () => closed++);
      socket.write(OK);
    });
    await forwarding.get(await forwarding.to(`http://127.0.0.1:${upstream}`, { keepAliveMs: 100 }));
    await until('it is closed', () => closed > 0);
  });

  /** The second request on each connection finds it gone. */
  async function stale(): Promise<{ port: number; received: string[] }> {
    const { port, received } = await forwarding.raw((socket) => {
      const index = used.get(socket) ?? 0;
      used.set(socket, index + 1);
      asked++;
      if (index === 0) socket.write(OK);
      else socket.resetAndDestroy();
    });
    return { port: await forwarding.to(`http://127.0.0.1:${port}`), received };
  }
  const used = new WeakMap<Socket, number>();
  let asked = 0;

  it.each(['GET', 'HEAD'])('that turn out to be closed are replaced for %s', async (method) => {
    const { port, received } = await stale();
    await forwarding.get(port);
    expect((await forwarding.ask(port, requestText(method, '/'))).status).toBe(200);
    expect(received.length).toBe(2);
  });

  it.each([
    ['POST', 'Content-Length: 2', 'hi'],
    ['GET', 'Content-Length: 2', 'hi'],
    ['GET', 'Transfer-Encoding: chunked', chunked('hi')],
    ['DELETE', 'X: y', ''],
  ])('that turn out to be closed are not replaced for %s with %s', async (method, field, body) => {
    const { port, received } = await stale();
    await forwarding.get(port);
    expect((await forwarding.ask(port, requestText(method, '/', [field], body))).status).toBe(502);
    expect(received.length).toBe(1);
  });

  it('that turn out to be closed are replaced by a new one, not by another kept one', async () => {
    const { port, received } = await stale();
    await Promise.all([forwarding.get(port), forwarding.get(port)]);
    expect(received.length).toBe(2);
    asked = 0;
    expect((await forwarding.get(port)).status).toBe(200);
    expect([asked, received.length]).toEqual([2, 3]);
  });

  it.each([
    ['a response that breaks off', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc', 200],
    ['no response', 'SSH-2.0-x\r\n\r\n', 502],
  ])('that give %s are not replaced', async (_what, text, status) => {
    let count = 0;
    const { port: upstream, received } = await forwarding.raw((socket) => {
      if (count++ === 0) socket.write(OK);
      else socket.write(text, () => void settle(20).then(() => socket.resetAndDestroy()));
    });
    const port = await forwarding.to(`http://127.0.0.1:${upstream}`);
    await forwarding.get(port);
    const response = await forwarding.get(port);
    expect([response.status, response.isComplete]).toEqual([status, status !== 200]);
    expect([received.length, count]).toEqual([1, 2]);
  });

  it('that are new and closed are not replaced', async () => {
    const { port: upstream, received } = await forwarding.raw((socket) => socket.resetAndDestroy());
    const port = await forwarding.to(`http://127.0.0.1:${upstream}`);
    expect((await forwarding.get(port)).status).toBe(502);
    expect(received.length).toBe(1);
  });

  it.each([
    ['localhost', 'localhost'],
    ['127.0.0.1', undefined],
  ])('to https://%s ask for the certificate of that name, not of the Host field', async (host, name) => {
    let hello = '';
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.once('data', (data) => {
        hello = data.toString('latin1');
        socket.destroy();
      });
    });
    const port = await forwarding.to(`https://${host}:${await forwarding.listen(server)}`);
    expect((await forwarding.get(port)).status).toBe(502);
    // The server name of the handshake is in clear (RFC 6066 §3).
    expect(hello).not.toBe('');
    expect(hello).not.toContain('shop.test');
    expect(hello.includes('localhost')).toBe(name !== undefined);
  });
});

describe('a deadline', () => {
  /** Longer than a test may take: an answer that comes was not waited for that long. */
  const LONG = 600_000;

  it('ends the wait for a free connection', async () => {
    const { port: upstream } = await forwarding.raw(() => undefined);
    const limits = { maxConnections: 1, connectMs: 200, responseMs: LONG };
    const port = await forwarding.to(`http://127.0.0.1:${upstream}`, limits);
    const first = await forwarding.socket(port);
    first.write(requestText('GET', '/'));
    expect((await forwarding.get(port)).status).toBe(504);
    first.destroy();
  });

  it('ends the wait for a handshake', async () => {
    // Accepts, and says nothing.
    const upstream = await forwarding.listen(createServer((socket) => socket.resume()));
    const port = await forwarding.to(`https://127.0.0.1:${upstream}`, { connectMs: 200, responseMs: LONG });
    expect((await forwarding.get(port)).status).toBe(504);
  });

  it('ends the wait for the head of a response', async () => {
    const { port: upstream } = await forwarding.raw((socket) => socket.write('HTTP/1.1 200 OK\r\nX'));
    const port = await forwarding.to(`http://127.0.0.1:${upstream}`, { connectMs: LONG, responseMs: 200 });
    for (const request of ['GET', 'POST'])
      expect((await forwarding.ask(port, requestText(request, '/'))).status).toBe(504);
  });

  it(
    'for the connection does not count the wait for the response',
    undisturbed(async () => {
      const upstream = await forwarding.http((_incoming, response) => setTimeout(() => response.end(), 1000));
      const port = await forwarding.to(`http://127.0.0.1:${upstream}`, { connectMs: 700, responseMs: LONG });
      expect((await forwarding.get(port)).status).toBe(200);
      expect((await forwarding.get(port)).status).toBe(200);
    }),
  );

  it('of 0 for the response is none', async () => {
    const upstream = await forwarding.http((_incoming, response) => setTimeout(() => response.end(), 200));
    const port = await forwarding.to(`http://127.0.0.1:${upstream}`, { responseMs: 0 });
    expect((await forwarding.get(port)).status).toBe(200);
  });

  it(
    'for the response begins anew with each part of the request body',
    undisturbed(async () => {
      const upstream = await forwarding.http((incoming, response) => {
        incoming.resume();
        incoming.on('end', () => response.end());
      });
      const port = await forwarding.to(`http://127.0.0.1:${upstream}`, { responseMs: 1200 });
      const client = await forwarding.client(port);
      client.send(requestText('POST', '/', ['Content-Length: 6']));
      for (let i = 0; i < 6; i++) {
        await new Promise((resolve) => setTimeout(resolve, 300));
        client.send('x');
      }
      expect((await client.response())?.status).toBe(200);
    }),
  );

  it(
    'for the response is over when it begins, though the request goes on',
    undisturbed(async () => {
      const upstream = await forwarding.http((incoming, response) => {
        response.write('first');
        incoming.resume();
        incoming.on('end', () => response.end('last'));
      });
      const port = await forwarding.to(`http://127.0.0.1:${upstream}`, { responseMs: 1000 });
      const client = await forwarding.client(port);
      client.send(requestText('POST', '/', ['Content-Length: 3']));
      for (let i = 0; i < 3; i++) {
        await new Promise((resolve) => setTimeout(resolve, i * 700));
        client.send('x');
      }
      expect((await client.response())?.body.toString()).toBe('firstlast');
    }),
  );

  it(
    'ends a pause within a response, and no response that goes on',
    undisturbed(async () => {
      let timer: NodeJS.Timeout | undefined;
      const { port: upstream } = await forwarding.raw((socket) => {
        let parts = 0;
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n');
        timer = setInterval(() => {
          if (parts++ < 6) socket.write('x');
        }, 200);
      });
      const port = await forwarding.to(`http://127.0.0.1:${upstream}`, { idleMs: 1000 });
      const start = performance.now();
      const { body, isComplete } = await forwarding.get(port).finally(() => clearInterval(timer));
      expect([body.toString(), isComplete]).toEqual(['xxxxxx', false]);
      expect(performance.now() - start).toBeGreaterThan(2100);
    }),
  );
});

describe('the operator is told', () => {
  const HANDSHAKE = ['Connection: Upgrade', 'Upgrade: websocket'];
  const told = async (port: number, fields: readonly string[] = []): Promise<string[]> => {
    forwarding.failures.length = 0;
    await forwarding.get(port, '/', ...fields);
    await until('it is told', () => forwarding.failures.length > 0);
    return forwarding.failures;
  };

  it.each([
    ['a request', []],
    ['a WebSocket', HANDSHAKE],
  ])('why %s cannot be forwarded', async (_what, fields) => {
    const closed = createServer();
    const nobody = await forwarding.listen(closed);
    closed.close();
    const unreachable = await forwarding.to(`http://127.0.0.1:${nobody}`);
    expect(await told(unreachable, fields)).toEqual([
      expect.stringMatching(`^unreachable: .*connect ECONNREFUSED 127.0.0.1:${nobody}`),
    ]);
    const babble = await forwarding.answering('SSH-2.0-x\r\n\r\n');
    expect(await told(babble, fields)).toEqual([expect.stringContaining('Parse Error')]);
    const { port: silent } = await forwarding.raw(() => undefined);
    const late = await forwarding.to(`http://127.0.0.1:${silent}`, { responseMs: 100 });
    expect(await told(late, fields)).toEqual(['there was no answer in time']);
  });

  it('that no address of a name can be reached', async () => {
    const closed = createServer();
    const nobody = await forwarding.listen(closed);
    closed.close();
    const port = await forwarding.to(`http://two.test:${nobody}`);
    const dns = createRequire(import.meta.url)('node:dns') as { lookup: (...args: never[]) => void };
    const { lookup } = dns;
    dns.lookup = (name: string, options: object, found: (error: null, all: object[]) => void) => {
      if (name !== 'two.test') lookup(...([name, options, found] as never[]));
      else
        found(
          null,
          ['127.0.0.1', '127.0.0.2'].map((address) => ({ address, family: 4 })),
        );
    };
    try {
      expect(await told(port)).toEqual([expect.stringMatching(/^unreachable: /)]);
    } finally {
      dns.lookup = lookup;
    }
  });

  it('that a response was broken off, or has no valid status', async () => {
    const { port } = await forwarding.raw((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc', () => socket.end());
    });
    expect(await told(await forwarding.to(`http://127.0.0.1:${port}`))).toEqual([
      'it broke off its response',
    ]);
    const invalid = await forwarding.answering('HTTP/1.1 099 x\r\nContent-Length: 0\r\n\r\n');
    expect(await told(invalid)).toEqual(['it sent the status 99']);
  });

  it('nothing of a client that leaves, nor of a connection that was replaced', async () => {
    forwarding.failures.length = 0;
    const { port: silent, received } = await forwarding.raw(() => undefined);
    const client = await forwarding.client(await forwarding.to(`http://127.0.0.1:${silent}`));
    client.send(requestText('GET', '/', []));
    await until('the upstream has it', () => received.length === 1);
    client.destroy();
    let count = 0;
    const { port: upstream } = await forwarding.raw((socket) => {
      if (count++ !== 1) socket.write(OK);
      else socket.resetAndDestroy();
    });
    const port = await forwarding.to(`http://127.0.0.1:${upstream}`);
    for (let i = 0; i < 2; i++) expect((await forwarding.get(port)).status).toBe(200);
    expect(forwarding.failures).toEqual([]);
  });
});

describe('the package underneath', () => {
  it('is loaded without the functions that Node warns of, which are left as they were', async () => {
    // What Node 22 does with it.
    const script = `
      import util from 'node:util';
      import { createServer, get } from 'node:http';
      import { once } from 'node:events';
      const deprecated = util._extend = util.deprecate(util._extend, 'util._extend is deprecated', 'DEP0060');
      const { ForwardingProxy } = await import(process.argv[1]);
      const upstream = createServer((incoming, response) => response.end('ok')).listen(0);
      await once(upstream, 'listening');
      const proxy = new ForwardingProxy(new URL('http://127.0.0.1:' + upstream.address().port));
      const server = createServer((incoming, response) => proxy.web(incoming, response)).listen(0);
      await once(server, 'listening');
      const [reply] = await once(get('http://127.0.0.1:' + server.address().port), 'response');
      console.log(reply.statusCode, util._extend === deprecated);
      process.exit();`;
    const file = join(repositoryFolder, 'dist/host/runtime/upstream/forwarding-proxy.js');
    const args = ['--pending-deprecation', '--input-type=module', '-e', script, file];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
    expect([stdout.trim(), stderr]).toEqual(['200 true', '']);
  });
});
