import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { type Application, ConsoleLog, routing } from 'portico';
import { embeddedServer, Node } from 'portico/embedded';
import { makeCertificate } from '#test/support/certificates.js';
import { echoTunnel } from '#test/support/echo-tunnel.js';
import { portOf } from '#test/support/embedded-engine.js';
import { until } from '#test/support/polling.js';
import { RawClient } from '#test/support/raw-client.js';

/** Inner names that the engine uses: whether the parser of Node reads the socket by itself. */
type InnerSocket = Socket & { readonly parser?: { readonly _consumed: boolean } | null };

describe('large bodies on node:http', () => {
  const running: ReturnType<typeof embeddedServer>[] = [];
  const clients: RawClient[] = [];
  let accepted: InnerSocket[] = [];
  let aborted = 0;

  afterEach(async () => {
    for (const client of clients.splice(0)) client.destroy();
    for (const engine of running.splice(0)) await engine.stop(0, 2000);
    accepted = [];
    aborted = 0;
  });

  const module = (application: Application): void => {
    routing(application, (r) => {
      r.get('/', () => 'hello');
      r.post('/', async (call) => {
        call.signals.onAbort(() => void aborted++);
        await call.respondBytes(await call.receiveBytes());
      });
      r.post('/length', async (call) => call.respondText(String((await call.receiveBytes()).length)));
      // Answers while the body is still on its way, and does not wait for it.
      r.post('/early', async (call) => {
        call.receiveBytes().catch(() => undefined);
        await until('the body is read directly', isDirect);
        await call.respondText('early');
      });
      r.get('/tunnel', echoTunnel);
    });
  };

  async function start(settings: object = {}, configure: (server: Server) => void = () => undefined) {
    const configureServer = (server: Server): void => {
      server.on('connection', (socket: Socket) => void accepted.push(socket));
      server.on('secureConnection', (socket: Socket) => void accepted.push(socket));
      configure(server);
    };
    const log = new ConsoleLog('silent');
    const engine = embeddedServer(
      Node,
      { port: 0, host: '127.0.0.1', log, configureServer, ...settings },
      module,
    );
    running.push(engine);
    await engine.start();
    return await portOf(engine);
  }

  async function open(port: number): Promise<RawClient> {
    const client = await RawClient.open(port);
    clients.push(client);
    return client;
  }

  const isDirect = (): boolean => accepted.at(-1)?.parser?._consumed === false;
  const post = (path: string, length: number): string =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`;
  const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

  it('are read directly, one behind the other, with other requests between them', async () => {
    const client = await open(await start());
    for (const size of [200_000, 1_048_576, 1_700_003]) {
      const body = randomBytes(size);
      client.send(Buffer.concat([Buffer.from(post('/', size)), body, Buffer.from(get('/'))]));
      expect((await client.response())?.body.equals(body)).toBe(true);
      expect((await client.response())?.body.toString()).toBe('hello');
      client.send('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n');
      expect((await client.response())?.body.toString()).toBe('ok');
      client.send(`${post('/', 5)}small`);
      expect((await client.response())?.body.toString()).toBe('small');
    }
    expect(isDirect()).toBe(true);
  });

  it('are read directly over TLS', async () => {
    const { key, cert } = makeCertificate({ names: ['localhost'] });
    const port = await start({ connectors: [{ host: '127.0.0.1', port: 0, tls: { key, cert } }] });
    const socket = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: cert });
    await once(socket, 'secureConnect');
    const received: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => received.push(chunk));
    const body = randomBytes(900_000);
    for (let i = 1; i <= 2; i++) {
      socket.write(post('/length', body.length));
      socket.write(body);
      await until(
        'it is answered',
        () => Buffer.concat(received).toString().split('\r\n\r\n900000').length > i,
      );
    }
    expect(isDirect()).toBe(true);
    socket.destroy();
  });

  it('end with the client, and leave the parser fit for others', async () => {
    const port = await start();
    for (let i = 0; i < 3; i++) {
      const client = await open(port);
      client.send(post('/', 1_000_000));
      client.send(Buffer.alloc(400_000));
      await until('it is read directly', isDirect);
      client.destroy();
      await until('the call is aborted', () => aborted === i + 1);
      const next = await open(port);
      next.send(`${post('/', 5)}small`);
      expect((await next.response())?.body.toString()).toBe('small');
    }
  });

  it('are answered with 408 when they stop coming', async () => {
    const client = await open(await start({ limits: { bodyIdleTimeoutMs: 200 } }));
    client.send(post('/', 1_000_000));
    client.send(Buffer.alloc(400_000));
    expect((await client.response())?.status).toBe(408);
    expect(isDirect()).toBe(true);
    await client.closing();
  });

  it('are swallowed when the answer is there before them', async () => {
    const client = await open(await start());
    client.send(post('/early', 900_000));
    client.send(Buffer.alloc(400_000));
    expect((await client.response())?.body.toString()).toBe('early');
    client.send(Buffer.concat([Buffer.alloc(500_000), Buffer.from(get('/'))]));
    expect((await client.response())?.body.toString()).toBe('hello');
  });

  it('do not keep a tunnel from the same connection', async () => {
    const client = await open(await start());
    client.send(post('/length', 1_000_000));
    client.send(Buffer.alloc(1_000_000));
    expect((await client.response())?.body.toString()).toBe('1000000');
    expect(isDirect()).toBe(true);
    client.send('GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nfirst ');
    expect((await client.response())?.status).toBe(101);
    expect((await client.bytes(6)).toString()).toBe('first ');
    const much = randomBytes(700_000);
    client.send(much);
    expect((await client.bytes(much.length)).equals(much)).toBe(true);
    client.socket.end();
    await client.closing();
  });

  it('are left to Node where somebody else reads from the socket', async () => {
    let seen = 0;
    const port = await start({}, (server) =>
      server.on('connection', (socket: Socket) => {
        socket.on('data', (chunk: Buffer) => {
          seen += chunk.length;
        });
      }),
    );
    const client = await open(port);
    client.send(post('/length', 1_000_000));
    client.send(Buffer.alloc(1_000_000));
    expect((await client.response())?.body.toString()).toBe('1000000');
    expect(seen).toBe(post('/length', 1_000_000).length + 1_000_000);
  });
});
