import { once } from 'node:events';
import {
  Agent,
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import {
  type AddressInfo,
  connect,
  createServer as createNetServer,
  type Server as NetServer,
  type Socket,
} from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { WebSocket, WebSocketServer } from 'ws';
import { routeOf, TestFront } from '#test/support/front.js';
import { until } from '#test/support/polling.js';
import { RawClient } from '#test/support/raw-client.js';

let front: TestFront;
const servers: (Server | NetServer)[] = [];
let deployment = 0;

beforeAll(async () => {
  front = await TestFront.start({ tunnelCloseMs: 600_000 });
});

afterAll(async () => {
  await front.stop();
  for (const server of servers) {
    server.close();
    if ('closeAllConnections' in server) server.closeAllConnections();
  }
});

/** Mounts a URL at a path. */
async function mount(
  path: string,
  port: number,
  base = '',
  prefix: 'strip' | 'keep' = 'strip',
  at = front,
): Promise<void> {
  const url = `http://127.0.0.1:${port}${base}`;
  await at.route([
    routeOf(
      path,
      { kind: 'upstream', deployment: `up##${++deployment}`, urls: [url], prefix },
      { maxBodyBytes: 5000 },
    ),
  ]);
}

async function listen(server: Server | NetServer): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function serve(
  listener: (incoming: IncomingMessage, response: ServerResponse) => void,
): Promise<number> {
  return await listen(createServer(listener));
}

/** Sends bytes as they are and returns everything that comes back until the connection ends. */
async function raw(bytes: string): Promise<string> {
  const socket = connect(front.port, '127.0.0.1');
  socket.write(bytes);
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return text;
}

describe('a URL as a context', () => {
  it('keeps the context-path contract', async () => {
    const port = await serve((incoming, response) => {
      response.setHeader('location', '/there');
      response.setHeader('set-cookie', 'a=b; Path=/');
      response.end(
        JSON.stringify([
          incoming.url,
          incoming.headers['x-forwarded-prefix'],
          incoming.headers['x-forwarded-for'],
        ]),
      );
    });
    await mount('/up', port);
    const answer = await front.get('/up/x/y?a=b//c', { headers: { 'x-forwarded-for': '6.6.6.6' } });
    expect(await answer.json()).toEqual(['/x/y?a=b//c', '/up', '127.0.0.1']);
    expect(answer.headers.get('location')).toBe('/up/there');
    expect(answer.headers.get('set-cookie')).toContain('Path=/up');
    await mount('/kept', port, '', 'keep');
    expect(await (await front.get('/kept/x')).json()).toEqual(['/kept/x', null, '127.0.0.1']);
    await mount('/based', port, '/base/');
    expect(await (await front.get('/based/x')).json()).toEqual(['/base/x', '/based', '127.0.0.1']);
  });

  it('sends a body with its framing for every method, so that it is never read as a second request', async () => {
    const seen: string[] = [];
    const port = await serve((incoming, response) => {
      let body = '';
      incoming.on('data', (chunk) => {
        body += String(chunk);
      });
      incoming.on('end', () => {
        seen.push(`${incoming.method} ${incoming.url} ${body}`);
        response.end('ok');
      });
    });
    await mount('/smuggle', port);
    const smuggled = 'GET /evil HTTP/1.1\r\nHost: a\r\n\r\n';
    for (const method of ['DELETE', 'OPTIONS', 'POST']) {
      await raw(
        `${method} /smuggle/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n` +
          `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
      );
    }
    expect(seen).toEqual(['DELETE', 'OPTIONS', 'POST'].map((method) => `${method} /x ${smuggled}`));
  });

  it('survives the fields http-proxy throws on: Trailer without a body, Expect', async () => {
    const port = await serve((incoming, response) => {
      incoming.resume();
      incoming.on('end', () => response.end(`${incoming.headers.trailer}`));
    });
    await mount('/trailer', port);
    for (const method of ['GET', 'OPTIONS', 'POST']) {
      const field = 'Trailer: X-Sum\r\n';
      const answer = await raw(
        `${method} /trailer/ HTTP/1.1\r\nHost: a\r\n${field}Connection: close\r\n\r\n`,
      );
      expect(answer).toContain('undefined');
    }
    const expecting = await raw(
      'POST /trailer/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTrailer: X\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok',
    );
    expect(expecting).toContain('HTTP/1.1 200');
    expect(front.process.exitCode).toBeNull();
  });

  it('passes no field of the connection in either direction', async () => {
    const port = await listen(
      createNetServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', (data) => {
          const body = String(data).toLowerCase();
          socket.write(
            `HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Secret\r\nX-Secret: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
          );
        });
      }),
    );
    await mount('/hop', port);
    const answer = await raw(
      'GET /hop/ HTTP/1.1\r\nHost: a\r\nConnection: close, X-Private\r\nX-Private: 1\r\nTE: trailers\r\nProxy-Authorization: secret\r\n\r\n',
    );
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    expect(head).not.toMatch(/x-secret|keep-alive/i);
    expect(body).toContain('get / http/1.1');
    expect(body).not.toMatch(/x-private|^te:|proxy-authorization/m);
    expect(answer.split('\r\n\r\n').slice(1).join()).not.toMatch(/^te:/m);
  });

  it('keeps connections to both sides', async () => {
    let connections = 0;
    const server = createServer((_incoming, response) => response.end('x'));
    server.on('connection', () => connections++);
    await mount('/keepalive', await listen(server));
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let i = 0; i < 5; i++) {
      const reused = await new Promise<boolean>((resolve, reject) => {
        const outgoing = request(front.url('/keepalive/'), { agent }, (incoming) => {
          incoming.resume();
          incoming.on('end', () => resolve(outgoing.reusedSocket));
        });
        outgoing.on('error', reject).end();
      });
      expect(reused).toBe(i > 0);
    }
    agent.destroy();
    expect(connections).toBe(1);
  });

  it('asks once more when a kept connection turns out to be closed', async () => {
    let requests = 0;
    const server = createServer((incoming, response) => {
      requests++;
      // The second request on each connection finds it gone.
      if (used.has(incoming.socket)) incoming.socket.destroy();
      else response.end('x');
      used.add(incoming.socket);
    });
    const used = new WeakSet<object>();
    await mount('/stale', await listen(server));
    expect(await front.text('/stale/')).toBe('x');
    expect(await front.text('/stale/')).toBe('x');
    expect(requests).toBe(3);
    expect(await front.text('/stale/')).toBe('x');
    expect((await front.get('/stale/', { method: 'POST', body: 'x' })).status).toBe(502);
  });

  it('ends the request to the upstream when the client goes', async () => {
    let isClosed = false;
    const port = await serve((_incoming, response) => {
      const timer = setInterval(() => response.write('more'), 20);
      response.on('close', () => {
        clearInterval(timer);
        isClosed = true;
      });
    });
    await mount('/leave', port);
    const socket = connect(front.port, '127.0.0.1');
    socket.write('GET /leave/ HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'data');
    socket.destroy();
    await until(() => isClosed);
  });

  it('truncates the response when the upstream dies in the middle', async () => {
    const port = await serve((_incoming, response) => {
      response.write('first');
      setTimeout(() => response.socket?.destroy(), 20);
    });
    await mount('/dies', port);
    await expect(front.text('/dies/')).rejects.toThrow();
  });

  it('answers 502 when nobody listens, and 413 for too long a body', async () => {
    const server = createServer();
    const port = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    await mount('/nobody', port);
    expect((await front.get('/nobody/')).status).toBe(502);
    expect((await front.get('/nobody/', { method: 'POST', body: 'x'.repeat(5001) })).status).toBe(413);
    const socket = new WebSocket(front.url('/nobody/').replace('http', 'ws'));
    const [error] = await once(socket, 'error');
    expect(String(error)).toContain('502');
  });

  it('carries WebSockets and ends both sides together', async () => {
    const server = createServer((_incoming, response) => response.end());
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (socket) =>
      socket.on('message', (message) => socket.send(`echo ${String(message)}`)),
    );
    await mount('/ws', await listen(server));
    const first = new WebSocket(front.url('/ws/').replace('http', 'ws'));
    await once(first, 'open');
    first.send('hi');
    expect(String((await once(first, 'message'))[0])).toBe('echo hi');
    first.terminate();
    await until(() => sockets.clients.size === 0);
  });

  it('closes WebSockets with 1001 when the context goes', async () => {
    const server = createServer((_incoming, response) => response.end());
    const sockets = new WebSocketServer({ server });
    const upstreamClosed = new Promise<number>((resolve) => {
      sockets.on('connection', (socket) => socket.on('close', resolve));
    });
    await mount('/ws-away', await listen(server));
    const socket = new WebSocket(front.url('/ws-away/').replace('http', 'ws'));
    await once(socket, 'open');
    const closed = once(socket, 'close');
    const idle = front.report('deployment-idle', (report) => report.deployment === `up##${deployment}`);
    await front.route([], ['/ws-away']);
    expect((await closed)[0]).toBe(1001);
    expect(await upstreamClosed).toBe(1001);
    // Nothing was left to be cut, which the front would do much later.
    await idle;
    const { contexts } = await front.counts();
    expect(contexts.find(({ context }) => context === '/ws-away')?.tunnels ?? 0).toBe(0);
  });

  it('closes a WebSocket between two frames of the upstream', async () => {
    let upstream: Socket | undefined;
    const port = await listen(
      createNetServer((socket) => {
        upstream = socket;
        socket.on('error', () => undefined);
        socket.once('data', () =>
          socket.write(
            'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x02\x04ab',
          ),
        );
      }),
    );
    await mount('/ws-frame', port);
    const client = await RawClient.open(front.port);
    client.send('GET /ws-frame/ HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    expect((await client.response())?.status).toBe(101);
    expect((await client.bytes(4)).toString('latin1')).toBe('\x02\x04ab');
    await front.route([], ['/ws-frame']);
    // The rest of the frame, and another that comes too late.
    upstream?.write('cd\x80\x01x');
    const rest = await client.bytes(6);
    expect([rest.toString('latin1', 0, 2), rest[2], rest.readUInt16BE(4)]).toEqual(['cd', 0x88, 1001]);
    client.destroy();
    await until(() => upstream?.destroyed === true);
  });

  it('cuts a WebSocket whose client does not answer the close', async () => {
    const server = createServer((_incoming, response) => response.end());
    const sockets = new WebSocketServer({ server });
    const impatient = await TestFront.start({ tunnelCloseMs: 300 });
    await mount('/ws-cut', await listen(server), '', 'strip', impatient);
    const socket = connect(impatient.port, '127.0.0.1');
    socket.write(
      'GET /ws-cut/ HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await once(socket, 'data');
    const idle = impatient.report('deployment-idle', (report) => report.deployment === `up##${deployment}`);
    const data = once(socket, 'data');
    await impatient.route([], ['/ws-cut']);
    const frame = (await data)[0] as Buffer;
    expect([frame[0], frame.readUInt16BE(2)]).toEqual([0x88, 1001]);
    await idle;
    await until(() => sockets.clients.size === 0);
    socket.destroy();
    await impatient.stop();
  });

  const handshake =
    'Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\r\n';
  const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

  it('carries a tunnel on in one direction when the other has ended, and lets it go then', async () => {
    const port = await listen(
      createNetServer({ allowHalfOpen: true }, (socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => socket.write(switching));
        socket.once('end', () => socket.end('bye'));
      }),
    );
    await mount('/ws-half', port);
    const client = await RawClient.open(front.port);
    client.send(`GET /ws-half/ HTTP/1.1\r\n${handshake}`);
    expect((await client.response())?.status).toBe(101);
    client.socket.end();
    expect((await client.bytes(3)).toString()).toBe('bye');
    await client.closing();
    const idle = front.report('deployment-idle', (report) => report.deployment === `up##${deployment}`);
    await front.route([], ['/ws-half']);
    // Nothing was left to be cut, which the front would do much later.
    await idle;
  });

  it('lets the upstream of a tunnel wait for a client that does not read', async () => {
    const size = 60_000_000;
    let sent = 0;
    const port = await listen(
      createNetServer((socket) => {
        const send = (): void => {
          if (sent === size) return;
          sent += 1_000_000;
          socket.write(Buffer.alloc(1_000_000), send);
        };
        socket.on('error', () => undefined);
        socket.once('data', () => socket.write(switching, send));
      }),
    );
    await mount('/ws-slow', port);
    const client = connect(front.port, '127.0.0.1');
    client.pause();
    client.write(`GET /ws-slow/ HTTP/1.1\r\n${handshake}`);
    let before = -1;
    await until(() => sent > 0);
    while (sent !== before) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(sent).toBeLessThan(size);
    let received = 0;
    client.on('data', (chunk) => {
      received += chunk.length;
    });
    client.resume();
    await until(() => received > size);
    client.destroy();
  });

  it('lets the upstream go when the client of a WebSocket leaves before the answer', async () => {
    const upstream: Socket[] = [];
    await mount('/ws-leave', await listen(createNetServer((socket) => void upstream.push(socket.resume()))));
    const socket = new WebSocket(front.url('/ws-leave/').replace('http', 'ws'));
    socket.on('error', () => undefined);
    await until(() => upstream.length > 0);
    socket.terminate();
    await until(() => upstream[0]?.destroyed === true);
  });

  it('answers a request for another protocol as if it had not been asked for', async () => {
    const port = await serve((incoming, response) => response.end(`upgrade: ${incoming.headers.upgrade}`));
    await mount('/h2c', port);
    const client = await RawClient.open(front.port);
    client.send(
      'GET /h2c/ HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n\r\n',
    );
    const response = await client.response();
    expect([response?.status, response?.body.toString()]).toEqual([200, 'upgrade: undefined']);
    client.destroy();
  });

  it('carries trailers in both directions, and early hints', async () => {
    const port = await serve((incoming, response) => {
      incoming.resume();
      incoming.on('end', () => {
        response.writeEarlyHints({ link: '</a.css>; rel=preload' });
        response.write('x');
        response.addTrailers({ 'X-Echo': incoming.trailers['x-sum'] ?? 'none' });
        response.end();
      });
    });
    await mount('/trailers', port);
    const client = await RawClient.open(front.port);
    client.send(
      'POST /trailers/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 7\r\n\r\n',
    );
    const hints = await client.response('POST');
    expect([hints?.status, hints?.headers]).toEqual([103, [['link', '</a.css>; rel=preload']]]);
    const response = await client.response('POST');
    expect([response?.status, response?.trailers]).toEqual([200, [['x-echo', '7']]]);
    client.destroy();
  });

  it('shows the answer of an upstream that declines a WebSocket', async () => {
    const server = createServer();
    server.on('upgrade', (_incoming, socket) => {
      socket.end('HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n');
    });
    await mount('/declines', await listen(server));
    const outgoing = request(front.url('/declines/'), {
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      },
    });
    outgoing.end();
    const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
    let text = '';
    for await (const chunk of incoming) text += String(chunk);
    expect([incoming.statusCode, text]).toEqual([403, 'no']);
  });

  it('never wrote an error', () => {
    expect(front.errors).toBe('');
  });
});
