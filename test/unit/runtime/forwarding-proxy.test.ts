import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from '@jest/globals';
import { ForwardingProxy } from '#host/runtime/upstream/forwarding-proxy.js';
import { chunked, Forwarding, requestText } from '#test/support/forwarding.js';
import { repositoryFolder } from '#test/support/paths.js';
import { settle, undisturbed, until } from '#test/support/polling.js';

const forwarding = new Forwarding();
afterAll(() => forwarding.close());

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A proxy to an upstream that answers 200, and what that upstream has read. */
async function recorder(base = ''): Promise<{ port: number; received: string[] }> {
  const { port, received } = await forwarding.raw((socket) => socket.write(OK));
  return { port: await forwarding.to(`http://127.0.0.1:${port}${base}`), received };
}

/** A proxy to an upstream that answers with these bytes. */
async function answering(text: string): Promise<number> {
  const { port } = await forwarding.raw((socket) => socket.write(Buffer.from(text, 'latin1')));
  return await forwarding.to(`http://127.0.0.1:${port}`);
}

describe('the path that is forwarded', () => {
  const targets = [
    '//a///b',
    "/it's",
    '/a\\b',
    '/%2e%2E/%2f%5C%20%ff',
    '/a/../b/./c',
    '/x?a=//b\\c?d&e=%2F|"{}',
    '/x??',
    '/x?u=http://host//p',
    '/;p=1,2/@:!$&()*+=~',
  ];
  it.each(targets)('is %s byte for byte', async (target) => {
    const { port, received } = await recorder();
    expect((await forwarding.get(port, target)).status).toBe(200);
    expect(received[0]?.split('\r\n')[0]).toBe(`GET ${target} HTTP/1.1`);
  });

  it('stands behind the path of the URL as it was written', async () => {
    const { port, received } = await recorder('/base//deep/');
    expect((await forwarding.get(port, '/x//y?z')).status).toBe(200);
    expect(received[0]).toContain('GET /base//deep/x//y?z HTTP/1.1\r\n');
  });

  it('is the same for a WebSocket', async () => {
    const { port, received } = await recorder('/base');
    await forwarding.get(port, '//a\\b?c', 'Connection: Upgrade', 'Upgrade: websocket');
    expect(received[0]).toContain('GET /base//a\\b?c HTTP/1.1\r\n');
  });

  it.each(['*', 'http://evil.test/'])('is refused when it is %s', async (target) => {
    const { port, received } = await recorder();
    expect((await forwarding.ask(port, requestText('OPTIONS', target))).status).toBe(400);
    expect(received).toEqual([]);
  });

  it('is refused with a character that would end the request line', async () => {
    const { port: upstream, received } = await forwarding.raw((socket) => socket.write(OK));
    const port = await forwarding.to(`http://127.0.0.1:${upstream}`, {}, (incoming) => {
      incoming.url = '/ HTTP/1.1\r\nX: y';
    });
    expect((await forwarding.get(port)).status).toBe(400);
    expect(received).toEqual([]);
  });
});

describe('the body of a request', () => {
  const smuggled = requestText('GET', '/evil');

  it.each(['DELETE', 'OPTIONS', 'GET', 'POST'])('keeps its framing with %s', async (method) => {
    const { port, received } = await recorder();
    const fields = ['Transfer-Encoding: chunked'];
    await forwarding.ask(port, requestText(method, '/', fields, chunked(smuggled)));
    await until('the body is there', () => received[0]?.endsWith('0\r\n\r\n') === true);
    expect(received[0]).toMatch(/^transfer-encoding: chunked\r$/im);
    expect(received[0]).not.toMatch(/^content-length/im);
    expect(received[0]?.split('\r\n\r\n').slice(1).join('\r\n\r\n')).toBe(chunked(smuggled));
  });

  it('carries its trailers, without those that must not be one', async () => {
    let seen: IncomingMessage | undefined;
    const upstream = await forwarding.http((incoming, response) => {
      incoming.resume();
      incoming.on('end', () => {
        seen = incoming;
        response.end();
      });
    });
    const port = await forwarding.to(`http://127.0.0.1:${upstream}`);
    const body = chunked('abc', 'X-Sum: 1\r\nAuthorization: x\r\n');
    await forwarding.ask(
      port,
      requestText('POST', '/', ['Transfer-Encoding: chunked', 'Trailer: X-Sum'], body),
    );
    expect(seen?.trailers).toEqual({ 'x-sum': '1' });
    expect(seen?.headers.trailer).toBeUndefined();
  });

  it('may be answered before it is read', async () => {
    const { port: upstream } = await forwarding.raw((socket) => {
      socket.pause();
      socket.write(`HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 300000\r\n\r\n`);
      // The rest follows when the writing of the other side has failed.
      socket.write('x'.repeat(300_000));
      socket.end(() => void settle(100).then(() => socket.resetAndDestroy()));
    });
    const port = await forwarding.to(`http://127.0.0.1:${upstream}`);
    const client = await forwarding.client(port);
    client.send(requestText('POST', '/', ['Content-Length: 50000000']));
    client.send('y'.repeat(3_000_000));
    const response = await client.response('POST');
    expect([response?.status, response?.body.length]).toEqual([413, 300_000]);
  });
});

describe('the fields of a request', () => {
  it('have none of the connection, and none that it names', async () => {
    const { port, received } = await recorder();
    await forwarding.get(
      port,
      '/',
      'Connection: close, X-Private',
      'X-Private: 1',
      'Keep-Alive: timeout=1',
      'Proxy-Connection: x',
      'Proxy-Authorization: x',
      'TE: trailers',
      'X-Kept: 1',
    );
    expect(received[0]).toMatch(/^x-kept: 1\r$/im);
    expect(received[0]).not.toMatch(/^(x-private|keep-alive|proxy-[a-z]+|te|upgrade):/im);
    expect(received[0]).toMatch(/^connection: keep-alive\r$/im);
  });

  it('lose neither framing nor host when Connection names them', async () => {
    const { port, received } = await recorder();
    const fields = ['Connection: content-length, host', 'Content-Length: 2'];
    await forwarding.ask(port, requestText('POST', '/', fields, 'hi'));
    await until('the body is there', () => received[0]?.endsWith('hi') === true);
    expect(received[0]).toMatch(/^content-length: 2\r$/im);
    expect(received[0]).toMatch(/^host: shop.test\r$/im);
  });

  it.each(['GET', 'OPTIONS', 'DELETE', 'POST'])('end no process with a Trailer on %s', async (method) => {
    const { port, received } = await recorder();
    expect((await forwarding.ask(port, requestText(method, '/', ['Trailer: X-Sum']))).status).toBe(200);
    expect(received[0]).not.toMatch(/^trailer/im);
  });

  it('have no Expect, since the client has got its 100', async () => {
    const { port, received } = await recorder('/base');
    const client = await forwarding.client(port);
    client.send(requestText('POST', '//x', ['Expect: 100-continue', 'Trailer: X', 'Content-Length: 2']));
    expect((await client.response())?.status).toBe(100);
    client.send('hi');
    expect((await client.response())?.status).toBe(200);
    expect(received[0]).toMatch(/^POST \/base\/\/x HTTP\/1.1\r$/m);
    expect(received[0]).not.toMatch(/^(expect|trailer)/im);
  });

  it('say who the client is as they came, and nothing is added', async () => {
    const { port, received } = await recorder();
    await forwarding.get(port, '/', 'X-Forwarded-For: 192.0.2.1', 'X-Forwarded-Proto: https');
    expect(received[0]?.match(/^x-forwarded.*$/gim)).toEqual([
      'x-forwarded-for: 192.0.2.1',
      'x-forwarded-proto: https',
    ]);
  });

  it('that Node refuses to send give a 502', async () => {
    const { port: upstream } = await forwarding.raw((socket) => socket.write(OK));
    const port = await forwarding.to(`http://127.0.0.1:${upstream}`, {}, (incoming) => {
      incoming.method = 'NO METHOD';
    });
    expect((await forwarding.get(port)).status).toBe(502);
  });
});

describe('the head of a response', () => {
  it('has no field of the connection, and none that it names', async () => {
    const port = await answering(
      'HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=9\r\n' +
        'Proxy-Authenticate: x\r\nUpgrade: h2\r\nX-Kept: 1\r\nContent-Length: 2\r\n\r\nok',
    );
    const { headers, body } = await forwarding.get(port);
    const names = headers.map(([name]) => name);
    expect(names).toContain('x-kept');
    expect(names).not.toEqual(expect.arrayContaining(['x-private']));
    expect(names).not.toEqual(expect.arrayContaining(['proxy-authenticate']));
    expect(names).not.toEqual(expect.arrayContaining(['upgrade']));
    expect(headers).not.toContainEqual(['keep-alive', 'timeout=9']);
    expect(body.toString()).toBe('ok');
  });

  it('with a Trailer and without chunks ends no process', async () => {
    const port = await answering('HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nContent-Length: 2\r\n\r\nok');
    expect((await forwarding.get(port)).body.toString()).toBe('ok');
  });

  it('with control characters in its phrase ends no process', async () => {
    const port = await answering('HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nok');
    const { line, body } = await forwarding.get(port);
    expect([line, body.toString()]).toEqual(['HTTP/1.1 200 OK', 'ok']);
  });

  it.each(['000', '099'])('with the status %s gives a 502', async (status) => {
    const port = await answering(`HTTP/1.1 ${status} No\r\nContent-Length: 2\r\n\r\nok`);
    expect((await forwarding.get(port)).status).toBe(502);
  });

  it('that changes the protocol unasked lets the connection go', async () => {
    const sockets: Socket[] = [];
    const { port: upstream } = await forwarding.raw((socket) => {
      sockets.push(socket);
      socket.write('HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n');
    });
    const port = await forwarding.to(`http://127.0.0.1:${upstream}`);
    expect((await forwarding.get(port)).status).toBe(502);
    await until('it is closed', () => sockets[0]?.destroyed === true);
  });

  it.each([
    ['no HTTP', 'SSH-2.0-x\r\n\r\n'],
    ['two framings', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok'],
    ['another protocol', 'HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n'],
    ['a head of 64 KiB', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(65_536)}\r\n\r\n`],
  ])('that is %s gives a 502', async (_what, text) => {
    expect((await forwarding.get(await answering(text))).status).toBe(502);
  });

  it('comes after the early hints of the upstream, and after no other interim response', async () => {
    const port = await answering(
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n' +
        'HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nLink: </b.js>; rel=preload\r\n' +
        `Connection: X-Private\r\nX-Private: 1\r\n\r\n${OK}`,
    );
    const client = await forwarding.client(port);
    client.send(requestText('GET', '/'));
    const hints = await client.response();
    expect(hints?.status).toBe(103);
    expect(hints?.headers).toEqual([['link', '</a.css>; rel=preload, </b.js>; rel=preload']]);
    expect((await client.response())?.status).toBe(200);
    const old = await forwarding.ask(port, 'GET / HTTP/1.0\r\nHost: shop.test\r\n\r\n');
    expect(old.status).toBe(200);
  });
});

describe('the end of a response', () => {
  it('comes with its trailers, without those that must not be one', async () => {
    const port = await answering(
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n${chunked('abc', 'X-Sum: 1\r\nSet-Cookie: a=b\r\n')}`,
    );
    const { body, trailers, headers } = await forwarding.get(port);
    expect([body.toString(), trailers]).toEqual(['abc', [['x-sum', '1']]]);
    expect(headers.map(([name]) => name)).not.toContain('trailer');
  });

  it.each([
    ['chunked', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
    ['of known length', 'Content-Length: 9\r\n\r\nabc'],
  ])('is cut at once when the upstream dies in a body that is %s', async (_what, rest) => {
    const { port: upstream } = await forwarding.raw((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${rest}`);
      setTimeout(() => socket.destroy(), 50);
    });
    const port = await forwarding.to(`http://127.0.0.1:${upstream}`);
    const { body, isComplete } = await forwarding.get(port);
    expect([body.toString('latin1').includes('abc'), isComplete]).toEqual([true, false]);
  });

  it('waits for a client that reads slowly, and no kept connection outlives the proxy', async () => {
    let closed = 0;
    const { port } = await forwarding.raw((socket) => {
      socket.once('close', () => closed++);
      socket.write(OK);
    });
    const proxy = new ForwardingProxy(new URL(`http://127.0.0.1:${port}`));
    const server = createHttpServer((incoming, response) => proxy.web(incoming, response));
    let text = '';
    const client = new Duplex({
      read: () => undefined,
      write: (chunk, _encoding, done) => {
        text += String(chunk);
        setTimeout(done, 100);
      },
    });
    server.emit('connection', client);
    client.push(requestText('GET', '/'));
    await until('all is there', () => text.endsWith('ok'));
    client.destroy();
    proxy.close();
    await until('no connection is kept', () => closed > 0);
  });

  it.each([
    ['while the upstream thinks', ''],
    ['within the body', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
  ])('by a client that leaves %s ends the request to the upstream', async (_what, text) => {
    let upstreamSocket: Socket | undefined;
    const { port: upstream } = await forwarding.raw((socket) => {
      upstreamSocket = socket;
      socket.write(text);
    });
    const client = await forwarding.socket(await forwarding.to(`http://127.0.0.1:${upstream}`));
    client.write(requestText('GET', '/'));
    await until('the upstream is asked', () => upstreamSocket !== undefined);
    if (text !== '') await once(client, 'data');
    client.destroy();
    await until('the upstream is let go', () => upstreamSocket?.destroyed === true);
  });

  it('by a client that leaves the queue frees its place', async () => {
    let release: (() => void) | undefined;
    const paths: string[] = [];
    const upstream = await forwarding.http((incoming, response) => {
      paths.push(incoming.url ?? '');
      if (incoming.url === '/first') release = () => response.end('ok');
      else response.end('ok');
    });
    const port = await forwarding.to(`http://127.0.0.1:${upstream}`, { maxConnections: 1 });
    const first = forwarding.get(port, '/first');
    await until('the first is there', () => release !== undefined);
    const leaver = await forwarding.socket(port);
    leaver.write(requestText('GET', '/leaver'));
    const last = forwarding.get(port, '/last');
    leaver.destroy();
    // The client's end has arrived once a later request has been answered on another way.
    await once(leaver, 'close');
    await settle(50);
    release?.();
    expect([(await first).status, (await last).status]).toEqual([200, 200]);
    expect(paths).toEqual(['/first', '/last']);
  });
});

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
    const babble = await answering('SSH-2.0-x\r\n\r\n');
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
    const invalid = await answering('HTTP/1.1 099 x\r\nContent-Length: 0\r\n\r\n');
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
