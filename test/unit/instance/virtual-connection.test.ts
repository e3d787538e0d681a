import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { createServer, IncomingMessage, type RequestListener, ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip, gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import { AbortReason } from '#host/exchange/exchange.js';
import { FieldBlock } from '#host/http/field-block.js';
import { until } from '#test/support/polling.js';
import { VirtualServer } from '#test/support/virtual-server.js';

const opened: VirtualServer[] = [];

function serve(
  application: RequestListener,
  mount?: { contextPath: string; isStripped: boolean },
): VirtualServer {
  const server = new VirtualServer(application, mount);
  opened.push(server);
  return server;
}

afterEach(() => {
  for (const server of opened.splice(0)) server.close();
});

describe('a (req, res) application on virtual connections', () => {
  it('gets genuine objects of node:http, with the facts of the client', async () => {
    const seen: unknown[] = [];
    const server = serve((req, res) => {
      const { socket } = req;
      seen.push(req instanceof IncomingMessage, res instanceof ServerResponse, socket instanceof Socket);
      seen.push(
        socket.remoteAddress,
        socket.remotePort,
        socket.remoteFamily,
        socket.localPort,
        socket.readyState,
      );
      seen.push(
        (socket as unknown as { encrypted?: boolean }).encrypted,
        req.method,
        req.url,
        req.httpVersion,
      );
      seen.push(socket.address(), res.socket === socket);
      res.end('ok');
    });
    await server.fetch({ method: 'DELETE', target: '/a/b?c=d', isSecure: true });
    expect(seen).toEqual([
      true,
      true,
      true,
      '192.0.2.7',
      50000,
      'IPv4',
      8080,
      'open',
      true,
      'DELETE',
      '/a/b?c=d',
      '1.1',
      { address: '192.0.2.1', family: 'IPv4', port: 8080 },
      true,
    ]);
  });

  it('answers a small response in one call, without fields of the connection', async () => {
    const server = serve((_req, res) => {
      res.setHeader('X-A', ['1', '2']);
      res.setHeader('Connection', 'keep-alive');
      res.end('hällo');
    });
    const exchange = await server.fetch();
    expect(exchange).toMatchObject({ isResponded: true, status: 200, body: 'hällo' });
    expect(exchange.fields.filter((_, i) => i % 2 === 0)).toEqual(['X-A', 'X-A']);
  });

  it('leaves Date to the front, unless the application writes its own', async () => {
    const date = 'Sun, 06 Nov 1994 08:49:37 GMT';
    const server = serve((req, res) => {
      if (req.url === '/set') res.setHeader('Date', date);
      else res.sendDate = req.url === '/asked';
      res.end();
    });
    expect((await server.fetch()).fields).toEqual([]);
    expect((await server.fetch({ target: '/set' })).fields).toEqual(['Date', date]);
    expect((await server.fetch({ target: '/asked' })).fields).toEqual([
      'Date',
      expect.stringMatching(/ GMT$/),
    ]);
  });

  it('answers with buffers, pieces and nothing', async () => {
    const server = serve((req, res) => {
      if (req.url === '/buffer') res.end(Buffer.from([0xff, 0x00]));
      else if (req.url === '/pieces') {
        res.write('a');
        res.write(Buffer.from('b'));
        res.end('c');
      } else if (req.url === '/latin1') res.end('é', 'latin1');
      else {
        res.statusCode = 204;
        res.end();
      }
    });
    expect((await server.fetch({ target: '/buffer' })).chunks).toEqual([Buffer.from([0xff, 0x00])]);
    expect(await server.fetch({ target: '/pieces' })).toMatchObject({ body: 'abc', isResponded: true });
    expect((await server.fetch({ target: '/latin1' })).chunks).toEqual([Buffer.from([0xe9])]);
    expect(await server.fetch()).toMatchObject({ status: 204, body: '', isResponded: true });
  });

  it('keeps the length of what HEAD and 304 stand for', async () => {
    const server = serve((req, res) => {
      if (req.method !== 'HEAD') res.statusCode = 304;
      res.setHeader('Content-Length', 1234);
      res.end();
    });
    const head = await server.fetch({ method: 'HEAD' });
    expect([head.status, head.field('content-length'), head.body]).toEqual([200, '1234', '']);
    const unchanged = await server.fetch();
    expect([unchanged.status, unchanged.field('content-length')]).toEqual([304, '1234']);
  });

  it('reads bodies of known and of unknown length, and their trailers', async () => {
    const server = serve(async (req, res) => {
      let text = '';
      for await (const chunk of req) text += String(chunk);
      res.end(
        `${text} ${req.headers['content-length'] ?? req.headers['transfer-encoding']} ${JSON.stringify(req.trailers)}`,
      );
    });
    expect((await server.fetch({ method: 'POST' }, 'hello')).body).toBe('hello 5 {}');
    const chunked = server.open({
      method: 'POST',
      bodyLength: -1,
      fields: ['Host', 'a', 'Trailer', 'X-Sum'],
    });
    chunked.listener?.data(Buffer.from('hel'));
    chunked.listener?.data(Buffer.from('lo'));
    chunked.listener?.end(FieldBlock.of(['X-Sum', '5']));
    await chunked.done;
    expect(chunked.body).toBe('hello chunked {"x-sum":"5"}');
    const empty = server.open({ method: 'POST', bodyLength: -1 }).send();
    await empty.done;
    expect(empty.body).toBe(' chunked {}');
  });

  it('sends trailers', async () => {
    const server = serve((_req, res) => {
      res.writeHead(200, { Trailer: 'X-Sum' });
      res.write('abc');
      res.addTrailers({ 'X-Sum': '3' });
      res.end();
    });
    expect(await server.fetch()).toMatchObject({ body: 'abc', trailers: ['X-Sum', '3'], isResponded: false });
  });

  it('sends interim responses, asked for or not', async () => {
    const server = serve((req, res) => {
      res.writeEarlyHints({ link: '</a.css>; rel=preload' });
      req.resume().on('end', () => res.end('done'));
    });
    const exchange = server.open({ method: 'POST', bodyLength: 2, expectsContinue: true });
    await exchange.until(() => exchange.interims.length === 2);
    expect(exchange.interims).toEqual([100, 103]);
    exchange.send('ok');
    await exchange.done;
    expect(exchange.body).toBe('done');
  });

  it('streams events while the response is open', async () => {
    const server = serve((_req, res) => {
      res.writeHead(200, { 'Content-Type': 'text/event-stream' });
      res.write('data: 1\n\n');
      setImmediate(() => res.write('data: 2\n\n'));
    });
    const exchange = server.open();
    exchange.listener?.end(undefined);
    await exchange.until(() => exchange.body === 'data: 1\n\ndata: 2\n\n');
    expect(exchange.isEnded).toBe(false);
    exchange.leave();
  });

  it('lets code that patches the response work, such as compression', async () => {
    const server = serve((_req, res) => {
      const gzip = createGzip();
      const { write, end } = res;
      gzip.on('data', (chunk: Buffer) => write.call(res, chunk, 'utf8'));
      gzip.on('end', () => end.call(res, undefined, 'utf8'));
      res.write = ((chunk: string) => gzip.write(chunk)) as typeof res.write;
      res.end = ((chunk: string) => gzip.end(chunk)) as unknown as typeof res.end;
      res.setHeader('Content-Encoding', 'gzip');
      res.write('hello ');
      res.end('world');
    });
    const exchange = await server.fetch();
    expect(gunzipSync(Buffer.concat(exchange.chunks)).toString()).toBe('hello world');
  });

  it('uses one connection again and again', async () => {
    const sockets = new Set<Socket>();
    const server = serve((req, res) => {
      sockets.add(req.socket);
      req.resume();
      res.end(req.url);
    });
    for (let i = 0; i < 5; i++) {
      expect((await server.fetch({ method: 'POST', target: `/${i}` }, 'body')).body).toBe(`/${i}`);
      await new Promise(setImmediate);
    }
    expect(sockets.size).toBe(1);
    expect(await server.countConnections()).toBe(1);
  });

  it('serves many at once, each on a connection of its own', async () => {
    const server = serve((req, res) => setImmediate(() => res.end(req.url)));
    const exchanges = Array.from({ length: 200 }, (_, i) => server.open({ target: `/${i}` }).send());
    await Promise.all(exchanges.map((exchange) => exchange.done));
    expect(exchanges.map((exchange) => exchange.body)).toEqual(exchanges.map((_, i) => `/${i}`));
  });

  it('puts the context path back into what is sent', async () => {
    const redirect: RequestListener = (_req, res) => {
      res.writeHead(302, { Location: '/login', 'Set-Cookie': ['a=1; Path=/', 'b=2; Path=/x'] });
      res.end();
    };
    const stripped = await serve(redirect).fetch();
    expect(stripped.field('location')).toBe('/shop/login');
    expect(FieldBlock.of(stripped.fields).all('set-cookie')).toEqual([
      'a=1; Path=/shop',
      'b=2; Path=/shop/x',
    ]);
    const kept = await serve(redirect, { contextPath: '/shop', isStripped: false }).fetch();
    expect(kept.field('location')).toBe('/login');
    const root = await serve(redirect, { contextPath: '', isStripped: true }).fetch();
    expect(root.field('location')).toBe('/login');
  });

  it('speaks HTTP/1.0 to clients that do', async () => {
    const server = serve((req, res) => {
      res.write(req.httpVersion);
      res.end('!');
    });
    const exchange = await server.fetch({ version: '1.0', fields: [], authority: '' });
    expect([exchange.body, exchange.abortedWith]).toEqual(['1.0!', undefined]);
  });
});

describe('a request that skips the parser', () => {
  /** The first request of a connection always goes through the parser; brings one connection beyond it. */
  async function season(server: VirtualServer, count = 1): Promise<void> {
    const exchanges = Array.from({ length: count }, () => server.open().send());
    await Promise.all(exchanges.map((exchange) => exchange.done));
    await new Promise(setImmediate);
  }

  const facts: RequestListener = (req, res) => {
    req.on('end', () => {
      const { method, url, httpVersion, rawHeaders, headers, headersDistinct, complete, trailers } = req;
      const { useChunkedEncodingByDefault, shouldKeepAlive } = res;
      res.end(
        JSON.stringify([
          [method, url, httpVersion, rawHeaders, headers, headersDistinct, complete, trailers],
          [useChunkedEncodingByDefault, shouldKeepAlive, (req as { upgrade?: boolean }).upgrade],
        ]),
      );
    });
    req.resume();
  };

  it.each(['GET', 'HEAD', 'POST', 'PROPFIND', 'BREW'])('looks the same: %s', async (method) => {
    // A server with a limit of its own always gets its requests through the parser.
    const parsed = new VirtualServer(createServer({ maxHeaderSize: 8192 }, facts));
    const direct = serve(facts);
    opened.push(parsed);
    const fields = [
      'Host',
      'a',
      'X-A',
      '1',
      'x-a',
      '2',
      'Cookie',
      'a',
      'cookie',
      'b',
      'Content-Type',
      'x',
      'CONTENT-TYPE',
      'y',
    ];
    const request = { method, target: '/p/%C3%A4?q=1', fields };
    await season(direct);
    await season(parsed);
    const [one, two] = [await direct.fetch(request), await parsed.fetch(request)];
    expect([one.status, one.body]).toEqual([two.status, two.body]);
    expect(one.status).toBe(method === 'BREW' ? 400 : 200);
  });

  it('obeys the server: its own class of requests, the number of fields, joined duplicates', async () => {
    class Own extends IncomingMessage {
      readonly mark = 'own';
    }
    const http = createServer({ IncomingMessage: Own, joinDuplicateHeaders: true }, (req, res) =>
      res.end(`${(req as Own).mark} ${req.headers['content-type']} ${req.rawHeaders.length}`),
    );
    http.maxHeadersCount = 3;
    const server = new VirtualServer(http);
    opened.push(server);
    await season(server);
    const fields = ['Host', 'a', 'Content-Type', 'x', 'Content-Type', 'y', 'X-Late', '1'];
    expect((await server.fetch({ fields })).body).toMatch(/^own x, y \d+$/);
  });

  it('has an asynchronous context of its own', async () => {
    const storage = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const server = serve((req, res) => {
      seen.push(storage.getStore());
      storage.enterWith(String(req.url));
      setImmediate(() => res.end(storage.getStore()));
    });
    await season(server, 3);
    seen.length = 0;
    const exchanges = ['/1', '/2', '/3'].map((target) => server.open({ target }).send());
    await Promise.all(exchanges.map((exchange) => exchange.done));
    expect(seen).toEqual([undefined, undefined, undefined]);
    expect(exchanges.map((exchange) => exchange.body)).toEqual(['/1', '/2', '/3']);
    expect(storage.getStore()).toBeUndefined();
  });

  it('brings no bytes, unless it has a body', async () => {
    const read: number[] = [];
    const server = serve((req, res) => {
      read.push(req.socket.bytesRead);
      res.end();
    });
    await season(server);
    await season(server);
    await server.fetch({ method: 'POST' }, 'body');
    const [first = 0, second, third] = read;
    expect(first).toBeGreaterThan(0);
    expect(second).toBe(first);
    expect(third).toBeGreaterThan(first);
  });

  it('is not timed out by a server that waits for headers, and lets it close', async () => {
    const http = createServer(
      { headersTimeout: 20, requestTimeout: 20, connectionsCheckingInterval: 10 },
      (_req, res) => setTimeout(() => res.end('slow'), 100),
    );
    const server = new VirtualServer(http);
    await once(http, 'listening');
    await season(server);
    for (let i = 0; i < 2; i++) {
      expect(await server.fetch()).toMatchObject({ status: 200, body: 'slow' });
      await new Promise(setImmediate);
    }
    expect(await server.countConnections()).toBe(1);
    // Only what the application itself would call: its idle connections must not hold the server open.
    await once(http.close(), 'close');
  });

  it('leaves nothing behind when the application throws', async () => {
    const server = serve((req, res) => {
      if (req.url === '/throw') throw new Error('thrown by the handler');
      res.end();
    });
    await season(server);
    expect(() => server.open({ target: '/throw' })).toThrow('thrown by the handler');
    while ((await server.countConnections()) > 0) await new Promise(setImmediate);
  });
});

describe('backpressure', () => {
  it('stops an application that writes when the client does not read', async () => {
    let written = 0;
    const server = serve((_req, res) => {
      const source = Readable.from(
        (function* parts() {
          for (; written < 64 * 1024 * 1024; written += 65_536) yield Buffer.alloc(65_536);
        })(),
      );
      void pipeline(source, res).catch(() => undefined);
    });
    const exchange = server.open();
    exchange.isReading = false;
    exchange.listener?.end(undefined);
    await exchange.until(() => exchange.receivedBytes > 0);
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    expect(written).toBeLessThan(2 * 1024 * 1024);
    exchange.isReading = true;
    exchange.listener?.drain();
    await exchange.done;
    expect(exchange.receivedBytes).toBe(64 * 1024 * 1024);
  });

  it('gives no credit for a body that the application does not read', async () => {
    let request: IncomingMessage | undefined;
    const server = serve((req, res) => {
      request = req;
      req.once('end', () => res.end('read'));
    });
    const exchange = server.open({ method: 'PUT', bodyLength: 4 * 1024 * 1024 });
    const chunk = Buffer.alloc(65_536);
    for (let sent = 0; sent < 4 * 1024 * 1024; sent += chunk.length) exchange.listener?.data(chunk);
    exchange.listener?.end(undefined);
    for (let i = 0; i < 20; i++) await new Promise(setImmediate);
    expect(exchange.creditedBytes).toBeLessThan(512 * 1024);
    request?.resume();
    await exchange.done;
    await exchange.until(() => exchange.creditedBytes === 4 * 1024 * 1024);
    expect(exchange.body).toBe('read');
  });

  it('does not look at a buffer again once its write has been reported done', async () => {
    const server = serve((_req, res) => {
      const buffer = Buffer.from('first');
      res.write(buffer, () => {
        buffer.write('XXXXX');
        res.end();
      });
    });
    expect((await server.fetch()).body).toBe('first');
  });
});

describe('ends before their time', () => {
  it('tells the application that the client has gone', async () => {
    const events: string[] = [];
    const closed = new Promise<void>((resolve) => {
      const server = serve((req, res) => {
        req.on('aborted', () => events.push('aborted'));
        req.on('error', (error: NodeJS.ErrnoException) => events.push(String(error.code)));
        res.on('close', () => {
          events.push(`close ${res.writableFinished}`);
          resolve();
        });
        exchange.leave();
      });
      const exchange = server.open({ method: 'POST', bodyLength: 10 });
    });
    await closed;
    expect(events).toEqual(expect.arrayContaining(['aborted', 'close false']));
  });

  it('aborts the exchange when the application destroys the socket', async () => {
    const server = serve((req, res) => {
      if (req.url === '/late') res.write('part', () => res.destroy());
      else req.socket.destroy();
    });
    expect(await server.fetch()).toMatchObject({
      isBegun: false,
      abortedWith: AbortReason.APPLICATION_ERROR,
    });
    const late = await server.fetch({ target: '/late' });
    expect(late).toMatchObject({ body: 'part', abortedWith: AbortReason.APPLICATION_ERROR });
  });

  it('cuts a response that is shorter than it said', async () => {
    const server = serve((_req, res) => {
      res.writeHead(200, { 'Content-Length': 10 });
      res.end('short');
    });
    expect(await server.fetch()).toMatchObject({ body: 'short', abortedWith: AbortReason.APPLICATION_ERROR });
  });

  it('drops what goes beyond the length, and serves the next request cleanly', async () => {
    const server = serve((_req, res) => {
      res.writeHead(200, { 'Content-Length': 2 });
      res.end('okHTTP/1.1 200 OK');
    });
    expect((await server.fetch()).body).toBe('ok');
    expect((await server.fetch()).body).toBe('ok');
  });

  it('lets the application answer before it has read the body', async () => {
    let received = 0;
    const server = serve((req, res) => {
      res.end('early');
      req.on('data', (chunk: Buffer) => {
        received += chunk.length;
      });
    });
    const exchange = server.open({ method: 'POST', bodyLength: 6 });
    exchange.listener?.data(Buffer.from('abc'));
    await exchange.done;
    exchange.listener?.data(Buffer.from('def'));
    exchange.listener?.end(undefined);
    await exchange.until(() => received === 6);
    expect(exchange.body).toBe('early');
  });

  it('gives a connection to nobody else while the application holds back the body it came with', async () => {
    let received = 0;
    let upload: IncomingMessage | undefined;
    const server = serve((req, res) => {
      if (req.method === 'GET' || req.url === '/other') {
        res.end('other');
        return;
      }
      upload = req.on('data', (chunk: Buffer) => {
        received += chunk.length;
      });
      req.once('data', () => {
        req.pause();
        res.end('taken');
      });
    });
    const parts = Array.from({ length: 3 }, () => Buffer.alloc(100_000, 'a'));
    const exchange = server.open({ method: 'POST', bodyLength: 300_000 }).send(...parts);
    await exchange.done;
    expect(received).toBe(100_000);
    for (let i = 0; i < 3; i++) {
      expect((await server.fetch()).body).toBe('other');
      expect((await server.fetch({ method: 'POST', target: '/other' }, 'body')).body).toBe('other');
    }
    const ended = once(upload as IncomingMessage, 'end');
    upload?.resume();
    await ended;
    expect(received).toBe(300_000);
    // Read to its end, the connection serves again.
    await until('as many requests as there are connections need no further one', async () => {
      const connections = await server.countConnections();
      await Promise.all(Array.from({ length: connections }, () => server.fetch()));
      return (await server.countConnections()) === connections;
    });
  });

  it('passes on what Node itself answers to a request it refuses', async () => {
    const server = new VirtualServer(createServer({ maxHeaderSize: 8192 }, (_req, res) => res.end()));
    opened.push(server);
    const exchange = await server.fetch({ fields: ['Host', 'a', 'X-Big', 'x'.repeat(20_000)] });
    expect([exchange.status, exchange.abortedWith]).toEqual([431, undefined]);
  });

  it('obeys timeouts that the application sets', async () => {
    const server = serve((req) => {
      req.socket.setTimeout(20);
    });
    expect((await server.fetch()).abortedWith).toBe(AbortReason.APPLICATION_ERROR);
  });

  it('refuses exchanges after the server was closed, and closes when all are done', async () => {
    const server = serve((req, res) => {
      if (req.url === '/slow') setImmediate(() => res.end('slow'));
      else res.end();
    });
    await server.fetch();
    const slow = server.open({ target: '/slow' }).send();
    const closed = once(server.server.close(), 'close');
    const refused = server.open().send();
    await refused.done;
    expect(refused.abortedWith).toBe(AbortReason.REFUSED);
    await slow.done;
    expect(slow.body).toBe('slow');
    server.connections.close();
    server.server.closeIdleConnections();
    await closed;
  });
});

it('serves an https.Server, whose encryption the front has undone', async () => {
  const server = new VirtualServer(
    createSecureServer((req, res) =>
      res.end(`${req.url} ${(req.socket as { encrypted?: boolean }).encrypted}`),
    ),
  );
  opened.push(server);
  expect((await server.fetch({ target: '/s', isSecure: true })).body).toBe('/s true');
  expect((await server.fetch({ target: '/s' })).body).toBe('/s undefined');
});

describe('upgrades', () => {
  it('become a tunnel in both directions', async () => {
    const http = createServer();
    http.on('upgrade', (req, socket: Socket) => {
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${req.headers.upgrade}\r\nConnection: Upgrade\r\n\r\nhi`,
      );
      socket.on('data', (chunk: Buffer) => socket.write(chunk.toString().toUpperCase()));
      socket.on('end', () => socket.end('bye'));
    });
    const server = new VirtualServer(http);
    opened.push(server);
    const exchange = server.open({ upgrade: 'echo', bodyLength: -1 });
    await exchange.until(() => exchange.body === 'hi');
    expect([exchange.status, exchange.field('upgrade'), exchange.field('connection')]).toEqual([
      101,
      'echo',
      undefined,
    ]);
    exchange.listener?.data(Buffer.from('ping'));
    await exchange.until(() => exchange.body === 'hiPING');
    exchange.listener?.end(undefined);
    await exchange.done;
    expect([exchange.body, exchange.abortedWith]).toEqual(['hiPINGbye', undefined]);
  });

  it('are an ordinary request when nobody listens for them', async () => {
    const server = serve((req, res) => {
      res.statusCode = 426;
      res.end(`no ${req.headers.upgrade}`);
    });
    const exchange = server.open({ upgrade: 'websocket', bodyLength: -1 });
    await exchange.done;
    expect([exchange.status, exchange.body]).toEqual([426, 'no websocket']);
    await exchange.until(() => true);
    while ((await server.countConnections()) > 0) await new Promise(setImmediate);
  });

  it('can be refused by hand', async () => {
    const http = createServer();
    http.on('upgrade', (_req, socket: Socket) => {
      socket.once('finish', () => socket.destroy());
      socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno');
    });
    const server = new VirtualServer(http);
    opened.push(server);
    const exchange = server.open({ upgrade: 'websocket', bodyLength: -1 });
    await exchange.done;
    expect([exchange.status, exchange.body, exchange.abortedWith]).toEqual([401, 'no', undefined]);
  });

  it('end the exchange when the application drops the socket, or the client does', async () => {
    const http = createServer();
    const gone = new Promise<void>((resolve) => {
      http.on('upgrade', (req, socket: Socket) => {
        socket.on('error', () => undefined);
        socket.on('close', () => req.url === '/client' && resolve());
        if (req.url === '/refused') socket.destroy();
        else socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
        if (req.url === '/drop') socket.destroy();
      });
    });
    const server = new VirtualServer(http);
    opened.push(server);
    const refused = server.open({ target: '/refused', upgrade: 'x', bodyLength: -1 });
    await refused.done;
    expect(refused.abortedWith).toBe(AbortReason.APPLICATION_ERROR);
    const dropped = server.open({ target: '/drop', upgrade: 'x', bodyLength: -1 });
    await dropped.done;
    expect(dropped.status).toBe(101);
    const left = server.open({ target: '/client', upgrade: 'x', bodyLength: -1 });
    await left.begun;
    left.leave();
    await gone;
  });
});
