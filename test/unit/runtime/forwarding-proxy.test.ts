import { once } from 'node:events';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { afterAll, describe, expect, it } from '@jest/globals';
import { ForwardingProxy } from '#host/runtime/upstream/forwarding-proxy.js';
import { chunked, Forwarding, OK, requestText } from '#test/support/forwarding.js';
import { settle, until } from '#test/support/polling.js';

const forwarding = new Forwarding();
afterAll(() => forwarding.close());

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
    const { port, received } = await forwarding.recorder();
    expect((await forwarding.get(port, target)).status).toBe(200);
    expect(received[0]?.split('\r\n')[0]).toBe(`GET ${target} HTTP/1.1`);
  });

  it('stands behind the path of the URL as it was written', async () => {
    const { port, received } = await forwarding.recorder('/base//deep/');
    expect((await forwarding.get(port, '/x//y?z')).status).toBe(200);
    expect(received[0]).toContain('GET /base//deep/x//y?z HTTP/1.1\r\n');
  });

  it('is the same for a WebSocket', async () => {
    const { port, received } = await forwarding.recorder('/base');
    await forwarding.get(port, '//a\\b?c', 'Connection: Upgrade', 'Upgrade: websocket');
    expect(received[0]).toContain('GET /base//a\\b?c HTTP/1.1\r\n');
  });

  it.each(['*', 'http://evil.test/'])('is refused when it is %s', async (target) => {
    const { port, received } = await forwarding.recorder();
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
    const { port, received } = await forwarding.recorder();
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
    const { port, received } = await forwarding.recorder();
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
    const { port, received } = await forwarding.recorder();
    const fields = ['Connection: content-length, host', 'Content-Length: 2'];
    await forwarding.ask(port, requestText('POST', '/', fields, 'hi'));
    await until('the body is there', () => received[0]?.endsWith('hi') === true);
    expect(received[0]).toMatch(/^content-length: 2\r$/im);
    expect(received[0]).toMatch(/^host: shop.test\r$/im);
  });

  it.each(['GET', 'OPTIONS', 'DELETE', 'POST'])('end no process with a Trailer on %s', async (method) => {
    const { port, received } = await forwarding.recorder();
    expect((await forwarding.ask(port, requestText(method, '/', ['Trailer: X-Sum']))).status).toBe(200);
    expect(received[0]).not.toMatch(/^trailer/im);
  });

  it('have no Expect, since the client has got its 100', async () => {
    const { port, received } = await forwarding.recorder('/base');
    const client = await forwarding.client(port);
    client.send(requestText('POST', '//x', ['Expect: 100-continue', 'Trailer: X', 'Content-Length: 2']));
    expect((await client.response())?.status).toBe(100);
    client.send('hi');
    expect((await client.response())?.status).toBe(200);
    expect(received[0]).toMatch(/^POST \/base\/\/x HTTP\/1.1\r$/m);
    expect(received[0]).not.toMatch(/^(expect|trailer)/im);
  });

  it('say who the client is as they came, and nothing is added', async () => {
    const { port, received } = await forwarding.recorder();
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
    const port = await forwarding.answering(
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
    const port = await forwarding.answering(
      'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nContent-Length: 2\r\n\r\nok',
    );
    expect((await forwarding.get(port)).body.toString()).toBe('ok');
  });

  it('with control characters in its phrase ends no process', async () => {
    const port = await forwarding.answering('HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nok');
    const { line, body } = await forwarding.get(port);
    expect([line, body.toString()]).toEqual(['HTTP/1.1 200 OK', 'ok']);
  });

  it.each(['000', '099'])('with the status %s gives a 502', async (status) => {
    const port = await forwarding.answering(`HTTP/1.1 ${status} No\r\nContent-Length: 2\r\n\r\nok`);
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
    expect((await forwarding.get(await forwarding.answering(text))).status).toBe(502);
  });

  it('comes after the early hints of the upstream, and after no other interim response', async () => {
    const port = await forwarding.answering(
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
    const port = await forwarding.answering(
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
