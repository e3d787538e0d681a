import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ConsoleLog, routing } from 'portico';
import { type ApplicationEngine, CIO, type EmbeddedSettings, embeddedServer, Node } from 'portico/embedded';
import { makeCertificate } from '#test/support/certificates.js';
import { portOf } from '#test/support/embedded-engine.js';
import { sendHttp } from '#test/support/http-engine-client.js';
import { Http2Client } from '#test/support/http2/http2-client.js';
import { sendHttp2 } from '#test/support/http2/http2-engine-client.js';
import { RawClient } from '#test/support/raw-client.js';
import { engineSuite } from './engine-suite.js';

const log = new ConsoleLog('silent');
const tls = makeCertificate({ names: ['localhost'] });
const at = { host: '127.0.0.1', port: 0 };
const PLAIN: EmbeddedSettings = { connectors: [at], log };
const SECURE: EmbeddedSettings = { connectors: [{ ...at, tls: { key: tls.key, cert: tls.cert } }], log };

for (const [name, scheme, settings] of [
  ['CIO by HTTP/2 with TLS', 'https', SECURE],
  ['CIO by HTTP/2 without TLS', 'http', { ...PLAIN, enableH2c: true }],
] as const) {
  engineSuite(
    name,
    async (module) => {
      const engine = embeddedServer(CIO, settings, module);
      await engine.start();
      const origin = `${scheme}://127.0.0.1:${await portOf(engine)}`;
      return { engine, request: (method, target, options) => sendHttp2(origin, method, target, options) };
    },
    { rootPath: '', refusesAfterStop: false },
  );
}

describe('HTTP/2 of an application on its own', () => {
  let engine: ApplicationEngine;
  afterEach(() => engine.stop(0));

  async function start(settings: EmbeddedSettings, kind = CIO): Promise<number> {
    engine = embeddedServer(kind, settings, (application) => {
      routing(application, (r) => void r.get('/', (call) => call.exchange.head.version));
    });
    await engine.start();
    return portOf(engine);
  }

  /** What the handshake of TLS agrees on. */
  function agreed(port: number): Promise<string | false | null> {
    return new Promise((resolve, reject) => {
      const options = {
        port,
        host: '127.0.0.1',
        rejectUnauthorized: false,
        ALPNProtocols: ['h2', 'http/1.1'],
      };
      const socket = connectTls(options, () => {
        resolve(socket.alpnProtocol);
        socket.destroy();
      });
      socket.on('error', reject);
    });
  }

  it('is there with TLS unless it is switched off', async () => {
    expect(await agreed(await start(SECURE))).toBe('h2');
    await engine.stop(0);
    expect(await agreed(await start({ ...SECURE, enableHttp2: false, enableH2c: true }))).toBe('http/1.1');
  });

  it('is there without TLS only where it is switched on, beside HTTP/1.1', async () => {
    const port = await start({ ...PLAIN, enableH2c: true });
    const client = await Http2Client.open(port);
    expect((await client.request({ ':path': '/' })).body).toBe('2.0');
    client.close();
    expect(await (await sendHttp(port, 'GET', '/')).text()).toBe('1.1');
  });

  it.each<[string, EmbeddedSettings]>([
    ['by default', PLAIN],
    ['with enableHttp2 alone', { ...PLAIN, enableHttp2: true }],
    ['with enableHttp2 off', { ...PLAIN, enableHttp2: false, enableH2c: true }],
  ])('is not there without TLS %s', async (_name, settings) => {
    const client = await RawClient.open(await start(settings));
    client.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    expect((await client.response())?.status).toBe(505);
    client.destroy();
  });

  it('takes no upgrade to h2c: the request is answered by HTTP/1.1', async () => {
    const client = await RawClient.open(await start({ ...PLAIN, enableH2c: true }));
    client.send(
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n',
    );
    const response = await client.response();
    expect([response?.status, response?.body.toString()]).toEqual([200, '1.1']);
    client.destroy();
  });

  it('announces room for the heads that the limits allow', async () => {
    const port = await start({ ...PLAIN, enableH2c: true, limits: { maxHeaderBytes: 50_000 } });
    const client = await Http2Client.open(port);
    expect(client.session.remoteSettings.maxHeaderListSize).toBe(100_000);
    client.close();
  });

  it('is not known to the engine Node, which says so', async () => {
    const lines: string[] = [];
    const told = new ConsoleLog('silent');
    told.warn = (message: string): void => void lines.push(message);
    const port = await start({ ...SECURE, log: told, enableHttp2: true, enableH2c: true }, Node);
    expect(lines).toEqual(
      ['enableHttp2', 'enableH2c'].map((name) => expect.stringContaining(`${name} has no effect`)),
    );
    expect(await agreed(port)).toBe('http/1.1');
  });
});
