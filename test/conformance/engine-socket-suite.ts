import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import https from 'node:https';
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Application,
  ApplicationStarted,
  ApplicationStopped,
  ApplicationStopping,
  applicationEnvironment,
  type Log,
  NoContent,
  routing,
} from 'portico';
import {
  type ApplicationEngine,
  type EmbeddedEngine,
  type EmbeddedSettings,
  embeddedServer,
} from 'portico/embedded';
import { echoTunnel } from '#test/support/echo-tunnel.js';
import { portOf } from '#test/support/embedded-engine.js';
import { sendHttp } from '#test/support/http-engine-client.js';
import { until } from '#test/support/polling.js';
import { RawClient } from '#test/support/raw-client.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';

/** Keeps lines instead of printing them. */
class Lines implements Log {
  readonly lines: string[] = [];
  trace = (): void => undefined;
  debug = (): void => undefined;
  info = (message: string): void => void this.lines.push(message);
  warn = (message: string): void => void this.lines.push(message);
  error = (message: string): void => void this.lines.push(message);
}

/** What every engine with sockets of its own must do, seen from the wire. */
export function engineSocketSuite(name: string, engine: EmbeddedEngine): void {
  describe(`engine ${name} on sockets`, () => {
    const running: ApplicationEngine[] = [];
    let log = new Lines();

    async function start(
      module: (application: Application) => void,
      settings: EmbeddedSettings = {},
    ): Promise<number> {
      log = new Lines();
      const server = embeddedServer(engine, { host: '127.0.0.1', port: 0, log, ...settings }, module);
      running.push(server);
      await server.start();
      return await portOf(server);
    }

    afterEach(async () => {
      for (const server of running.splice(0)) await server.stop(0, 2000);
    });

    const hello = (application: Application): void => {
      routing(application, (r) => {
        r.get('/', (call) => call.respondText('hello'));
        r.head('/', (call) => call.respondText('hello'));
        r.post('/', async (call) => call.respondText(await call.receiveText()));
        r.post('/unread', (call) => call.respondText('not read'));
        r.get('/host', (call) => call.exchange.head.authority);
        r.get('/stream', (call) => call.respondWriter(async (writer) => writer.write('streamed')));
        r.get('/raw', (call) => {
          call.markHandled(new NoContent({ status: 200 }));
          call.exchange.begin(200, ['X-A', '1', 'Connection', 'close']);
          call.exchange.write(Buffer.from('body'));
          call.exchange.end(['X-Sum', '4']);
        });
        r.get('/tunnel', echoTunnel);
      });
    };

    it('answers pipelined requests in order, one that is unread between them', async () => {
      const client = await RawClient.open(await start(hello));
      client.send(
        'GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345' +
          'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n',
      );
      const bodies = [];
      for (let i = 0; i < 3; i++) bodies.push((await client.response())?.body.toString());
      expect(bodies).toEqual(['hello', 'not read', 'ok']);
      client.socket.destroy();
    });

    it('receives bodies larger than its window whole, however they come, and what follows them', async () => {
      const port = await start((application) =>
        routing(application, (r) => {
          r.post('/', async (call) => call.respondBytes(await call.receiveBytes()));
          // Wanted only when a part of it is there already.
          r.post('/late', async (call) => {
            await new Promise((resolve) => setImmediate(resolve));
            await call.respondBytes(await call.receiveBytes());
          });
          r.post('/unread', (call) => call.respondText('not read'));
        }),
      );
      const body = randomBytes(1_500_000);
      // What nobody reads is swallowed up to 1 MiB.
      const bodyOf = (path: string): Buffer => (path === '/unread' ? body.subarray(0, 700_000) : body);
      const head = (path: string): string =>
        `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${bodyOf(path).length}\r\n\r\n`;
      const client = await RawClient.open(port);
      const paths = ['/', '/late', '/', '/unread', '/late'];
      // Heads and bodies in one stream, cut at places that fit to neither.
      const stream = Buffer.concat(paths.flatMap((path) => [Buffer.from(head(path)), bodyOf(path)]));
      for (let at = 0; at < stream.length; at += 333_331) client.send(stream.subarray(at, at + 333_331));
      for (const path of paths) {
        const answer = await client.response();
        if (path === '/unread') expect(answer?.body.toString()).toBe('not read');
        else expect(answer?.body.equals(body)).toBe(true);
      }
      client.socket.destroy();
    });

    it('sends earlier answers before it closes behind a body that nobody reads and that does not end', async () => {
      let release: () => void = () => undefined;
      let isUnread = false;
      const port = await start((application) =>
        routing(application, (r) => {
          r.get('/', () => 'hello');
          r.get('/slow', async () => {
            await new Promise<void>((resolve) => {
              release = resolve;
            });
            return 'slow';
          });
          r.post('/unread', () => {
            isUnread = true;
            return 'not read';
          });
        }),
      );
      const client = await RawClient.open(port);
      const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
      client.send(
        'GET /slow HTTP/1.1\r\nHost: a\r\n\r\nPOST /unread HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n' +
          chunk.repeat(32),
      );
      // A connection takes up requests while an earlier one is answered, or afterwards; both are right.
      const other = await RawClient.open(port);
      for (let turn = 0; turn < 50; turn++) {
        other.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
        expect((await other.response())?.body.toString()).toBe('hello');
      }
      release();
      expect((await client.response())?.body.toString()).toBe('slow');
      expect((await client.response())?.body.toString()).toBe('not read');
      expect(isUnread).toBe(true);
      await until('the connection is closed', () => client.isClosed || undefined);
      client.socket.destroy();
      other.socket.destroy();
    });

    it('gives up calls that are not answered in time with 504, and tells them', async () => {
      const aborted: string[] = [];
      const port = await start(
        (application) =>
          routing(application, (r) => {
            r.get('/never', async (call) => {
              call.signal.addEventListener('abort', () => aborted.push('never'));
              await new Promise(() => undefined);
            });
            r.get('/begun', (call) =>
              call.respondWriter(async (writer) => {
                await writer.write('begun, ');
                await until('the other one has been given up', () => aborted[0]);
                await writer.write('ended');
              }),
            );
          }),
        { responseTimeoutMs: 100 },
      );
      const begun = fetch(`http://127.0.0.1:${port}/begun`).then((response) => response.text());
      const client = await RawClient.open(port);
      client.send('GET /never HTTP/1.1\r\nHost: a\r\n\r\n');
      expect((await client.response())?.status).toBe(504);
      expect(aborted).toEqual(['never']);
      expect(await begun).toBe('begun, ended');
      client.socket.destroy();
    });

    it('gives HEAD the length of GET and no body', async () => {
      const client = await RawClient.open(await start(hello));
      client.send('HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n');
      const head = await client.response('HEAD');
      expect(head?.headers).toContainEqual(['content-length', '5']);
      expect((await client.response())?.body.toString()).toBe('hello');
      client.socket.destroy();
    });

    it('sends trailers and closes where the application asks for it', async () => {
      const client = await RawClient.open(await start(hello));
      client.send('GET /raw HTTP/1.1\r\nHost: a\r\n\r\n');
      const response = await client.response();
      expect([response?.body.toString(), response?.trailers]).toEqual(['body', [['x-sum', '4']]]);
      await until('it is closed', () => client.isClosed);
      client.socket.destroy();
    });

    it('ends a body of unknown length with the connection for HTTP/1.0', async () => {
      const client = await RawClient.open(await start(hello));
      client.send('GET /stream HTTP/1.0\r\n\r\n');
      const response = await client.response();
      expect([response?.framing, response?.body.toString()]).toEqual(['close', 'streamed']);
      client.socket.destroy();
    });

    it('lets the client wait for 100 until somebody wants the body', async () => {
      const client = await RawClient.open(await start(hello));
      const head = 'HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n';
      client.send(`POST / ${head}`);
      expect((await client.response())?.status).toBe(100);
      client.send('body');
      expect((await client.response())?.body.toString()).toBe('body');
      client.socket.destroy();
    });

    it.each([
      ['TRACE', 'TRACE / HTTP/1.1\r\nHost: a\r\n\r\n', 405],
      ['an unknown expectation', 'GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n', 417],
      ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
      ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
      ['a Host that is none', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
      ['a path above the root', 'GET /../x HTTP/1.1\r\nHost: a\r\n\r\n', 400],
      ['an encoded slash', 'GET /a%2Fb HTTP/1.1\r\nHost: a\r\n\r\n', 400],
      ['a target that is too long', `GET /${'x'.repeat(9000)} HTTP/1.1\r\nHost: a\r\n\r\n`, 414],
      ['too many fields', `GET / HTTP/1.1\r\nHost: a\r\n${'A: b\r\n'.repeat(150)}\r\n`, 431],
      [
        'a field section that is too large',
        `GET / HTTP/1.1\r\nHost: a\r\nA: ${'x'.repeat(20_000)}\r\n\r\n`,
        431,
      ],
      [
        'two framings',
        'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n',
        400,
      ],
      ['a broken chunk', 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 400],
    ])('refuses %s', async (_what, bytes, status) => {
      const client = await RawClient.open(await start(hello));
      client.send(bytes);
      expect((await client.response())?.status).toBe(status);
      await until('it is closed', () => client.isClosed);
      client.socket.destroy();
    });

    it('reads the absolute form of a target', async () => {
      const client = await RawClient.open(await start(hello));
      client.send('GET http://A.example/host?x HTTP/1.1\r\nHost: a.example\r\n\r\n');
      expect((await client.response())?.body.toString()).toBe('a.example');
      client.socket.destroy();
    });

    it('answers 408 when a body stops coming', async () => {
      const client = await RawClient.open(await start(hello, { limits: { bodyIdleTimeoutMs: 100 } }));
      client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123');
      expect((await client.response())?.status).toBe(408);
      client.socket.destroy();
    });

    it('cuts a client that does not read', async () => {
      const big = (application: Application): void => {
        routing(application, (r) => {
          r.get('/big', (call) =>
            call.respondWriter(async (writer) => {
              for (;;) await writer.write(Buffer.alloc(256 * 1024));
            }),
          );
        });
      };
      const client = await RawClient.open(await start(big, { limits: { bodyIdleTimeoutMs: 100 } }));
      client.send('GET /big HTTP/1.1\r\nHost: a\r\n\r\n');
      client.socket.pause();
      await until('no call is running', async () => {
        await new Promise((resolve) => setTimeout(resolve, 300));
        const server = running[0] as unknown as { running: number };
        return server.running === 0;
      });
      client.socket.destroy();
    });

    it('turns an upgrade into a tunnel, and answers one that it does not take', async () => {
      const port = await start(hello);
      const upgrade = 'HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';
      const tunnel = await RawClient.open(port);
      tunnel.send(`GET /tunnel ${upgrade}first `);
      const received: Buffer[] = [];
      tunnel.socket.on('data', (chunk: Buffer) => received.push(chunk));
      const text = (): string => Buffer.concat(received).toString('latin1');
      await until('the first bytes come back', () => text().endsWith('first '));
      expect(text()).toMatch(/^HTTP\/1.1 101 Switching Protocols\r\n/);
      expect(text().toLowerCase()).toContain('\r\nupgrade: echo\r\n');
      tunnel.send('second');
      await until('the second bytes come back', () => text().endsWith('first second'));
      tunnel.socket.end();
      await until('the other direction ends', () => tunnel.isClosed);
      tunnel.socket.destroy();

      const plain = await RawClient.open(port);
      plain.send(`GET / ${upgrade}`);
      expect((await plain.response())?.body.toString()).toBe('hello');
      plain.socket.destroy();
    });

    it('ends tunnels when it stops', async () => {
      const client = await RawClient.open(await start(hello));
      client.send('GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhi');
      await until('it is open', () => client.socket.bytesRead > 0);
      await running[0]?.stop(20, 1000);
      await until('it is closed', () => client.isClosed);
      client.socket.destroy();
    });

    it('closes connections behind the last answer when it stops', async () => {
      let open = (): void => undefined;
      const gate = new Promise<void>((resolve) => {
        open = resolve;
      });
      let isAtGate = false;
      const port = await start((application) => {
        routing(application, (r) => {
          r.get('/gate', async (call) => {
            isAtGate = true;
            await gate;
            await call.respondText('out');
          });
        });
      });
      const client = await RawClient.open(port);
      client.send('GET /gate HTTP/1.1\r\nHost: a\r\n\r\n');
      await until('the call runs', () => isAtGate);
      const stopping = running[0]?.stop(5000);
      open();
      const response = await client.response();
      expect(response?.body.toString()).toBe('out');
      expect(response?.headers).toContainEqual(['connection', 'close']);
      await stopping;
      client.socket.destroy();
    });

    it('serves several connectors, and says where', async () => {
      await start(hello, {
        connectors: [
          { host: '127.0.0.1', port: 0 },
          { host: 'localhost', port: 0 },
        ],
      });
      const connectors = (await running[0]?.resolvedConnectors()) ?? [];
      expect(connectors.length).toBe(2);
      for (const { scheme, host, port } of connectors) {
        expect(log.lines).toContain(`Responding at ${scheme}://${host}:${port}`);
        if (host === '127.0.0.1') expect(await (await sendHttp(port, 'GET', '/')).text()).toBe('hello');
        else expect(await (await fetch(`http://localhost:${port}/`)).text()).toBe('hello');
      }
    });

    it('opens all connectors of an environment that is passed on, and none of https without a certificate', async () => {
      const address = { scheme: 'http', host: '127.0.0.1', port: 0 } as const;
      const environment = applicationEnvironment({ log: new Lines(), connectors: [address, address] });
      await start(hello, { ...environment, port: undefined });
      const connectors = (await running[0]?.resolvedConnectors()) ?? [];
      expect(connectors.length).toBe(2);
      for (const { port } of connectors)
        expect(await (await sendHttp(port, 'GET', '/')).text()).toBe('hello');
      // Without connectors of its own the address counts.
      const port = await start(hello, { ...applicationEnvironment({ log: new Lines() }), port: 0 });
      expect(await (await sendHttp(port, 'GET', '/')).text()).toBe('hello');
      const secure = { connectors: [address, { ...address, scheme: 'https' as const }] };
      await expect(start(hello, secure)).rejects.toMatchObject({ code: 'PORTICO_TLS_MISSING' });
    });

    it('rejects the start when a port is in use, opens none, and disposes the application', async () => {
      const other = createServer();
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      const { port } = other.address() as { port: number };
      const events: string[] = [];
      const server = embeddedServer(
        engine,
        {
          connectors: [
            { host: '127.0.0.1', port: 0 },
            { host: '127.0.0.1', port },
          ],
          log: new Lines(),
        },
        hello,
      );
      for (const event of [ApplicationStarted, ApplicationStopping, ApplicationStopped])
        server.monitor.subscribe(event, () => void events.push(event.name));
      await expect(server.start()).rejects.toMatchObject({ code: 'PORTICO_PORT_IN_USE' });
      expect(events).toEqual(['ApplicationStarted', 'ApplicationStopping', 'ApplicationStopped']);
      expect(await server.resolvedConnectors()).toEqual([]);
      await server.stop();
      await new Promise((resolve) => other.close(resolve));
    });

    describe('with TLS', () => {
      let folder: TemporaryFolder;
      let tls: { readonly key: Buffer; readonly cert: Buffer };
      beforeAll(() => {
        folder = new TemporaryFolder();
        const [key, cert] = [folder.at('key.pem'), folder.at('cert.pem')];
        const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
        execFileSync(
          'openssl',
          [
            'req',
            '-x509',
            '-newkey',
            'ec',
            '-pkeyopt',
            'ec_paramgen_curve:P-256',
            '-nodes',
            '-days',
            '1',
            ...name,
          ].concat(['-keyout', key, '-out', cert]),
          { stdio: 'ignore' },
        );
        tls = { key: readFileSync(key), cert: readFileSync(cert) };
      });
      afterAll(() => folder.remove());

      it('serves https beside http', async () => {
        await start(
          (application) => {
            routing(
              application,
              (r) =>
                void r.get(
                  '/',
                  ({ request }) => `${request.scheme} ${request.tls?.protocol} ${request.tls?.serverName}`,
                ),
            );
          },
          {
            connectors: [
              { host: '127.0.0.1', port: 0 },
              { host: '127.0.0.1', port: 0, tls },
            ],
          },
        );
        const [plain, secure] = (await running[0]?.resolvedConnectors()) ?? [];
        expect(secure?.scheme).toBe('https');
        expect(await (await sendHttp(plain?.port ?? 0, 'GET', '/')).text()).toBe('http undefined undefined');
        const text = await new Promise<string>((resolve, reject) => {
          const options = {
            host: '127.0.0.1',
            port: secure?.port,
            servername: 'localhost',
            ca: tls.cert,
            agent: false,
          };
          https
            .get(options, (response) => {
              response.setEncoding('utf8').once('data', resolve);
            })
            .on('error', reject);
        });
        expect(text).toBe('https TLSv1.3 localhost');
      });
    });
  });
}
