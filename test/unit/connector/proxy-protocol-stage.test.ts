import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import { DEFAULT_CONNECTOR_LIMITS } from '#host/config/connector-limits.js';
import type { ConnectorSettings } from '#host/config/connector-settings.js';
import { DEFAULT_HTTP2_SETTINGS } from '#host/config/http2-settings.js';
import type { ProxyProtocolSettings } from '#host/config/proxy-protocol-settings.js';
import { Connector } from '#host/connector/connector.js';
import type { RefusalReason } from '#host/connector/refusal.js';
import { makeCertificate } from '#test/support/certificates.js';
import { until } from '#test/support/polling.js';
import { binaryHeader, extension, INET } from '#test/support/proxy-protocol.js';
import { setOf, TLS_DEFAULTS } from '#test/support/tls-connector.js';

let server: Server;
let connector: Connector;
let refusals: RefusalReason[];

afterEach(async () => {
  server.close();
  await connector.drain(0);
});

async function start(
  proxyProtocol: Partial<ProxyProtocolSettings> = {},
  more: Partial<ConnectorSettings> = {},
): Promise<number> {
  refusals = [];
  connector = new Connector({
    settings: {
      limits: DEFAULT_CONNECTOR_LIMITS,
      proxyProtocol: { from: ['127.0.0.0/8'], required: true, timeoutMs: 30_000, ...proxyProtocol },
      ...more,
    },
    handler: (exchange) => {
      const { remoteAddress, remotePort, localAddress, localPort, isSecure } = exchange.head.connection;
      const scheme = isSecure ? 'https' : 'http';
      exchange.respond(
        200,
        [],
        `${remoteAddress}:${remotePort} ${localAddress}:${localPort} ${scheme} ${exchange.head.path}`,
      );
    },
    observer: { refused: (reason) => refusals.push(reason) },
  });
  server = createServer((socket) => connector.accept(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const TEXT = 'PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n';
const requestFor = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`;

/** What is answered until the server closes. */
async function answerOf(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  // A connection that is cut is reset.
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('close', resolve));
  return text;
}

function send(port: number, ...parts: (string | Buffer)[]): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  for (const part of parts) socket.write(part);
  return answerOf(socket);
}

describe('behind the header of the PROXY protocol', () => {
  it.each<[string, string | Buffer, string]>([
    ['of version 1', TEXT, '203.0.113.7:4711 192.0.2.1:443 http /a'],
    [
      'of version 2',
      binaryHeader(INET, Buffer.from([203, 0, 113, 7, 192, 0, 2, 1, 0x12, 0x67, 0x01, 0xbb])),
      '203.0.113.7:4711 192.0.2.1:443 http /a',
    ],
  ])('%s the client is who it says', async (_, header, expected) => {
    const port = await start();
    expect(await send(port, Buffer.concat([Buffer.from(header), Buffer.from(requestFor('/a'))]))).toContain(
      `\r\n\r\n${expected}`,
    );
    expect(await send(port, header, requestFor('/a'))).toContain(`\r\n\r\n${expected}`);
  });

  it.each(['PROXY UNKNOWN\r\n', binaryHeader(0x11, Buffer.alloc(12), 0x20)])(
    'the sender speaks for itself: %j',
    async (header) => {
      const port = await start();
      expect(await send(port, header, requestFor('/a'))).toMatch(
        new RegExp(`127\\.0\\.0\\.1:\\d+ 127\\.0\\.0\\.1:${port} http /a$`),
      );
    },
  );

  it('the request arrives whole, whichever way it was split', async () => {
    const port = await start();
    const all = Buffer.from(TEXT + requestFor('/split'));
    const answers: Promise<string>[] = [];
    for (let at = 1; at < all.length; at += 3) {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      socket.write(all.subarray(0, at));
      setImmediate(() => socket.write(all.subarray(at)));
      answers.push(answerOf(socket));
    }
    for (const answer of await Promise.all(answers)) expect(answer).toContain('203.0.113.7:4711');
    const drip = connect({ port, host: '127.0.0.1', noDelay: true });
    const answer = answerOf(drip);
    for (const byte of all) {
      drip.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await answer).toContain('203.0.113.7:4711');
    expect(refusals).toEqual([]);
  });

  it('several requests follow, and a client that closes its direction gets its answer', async () => {
    const port = await start();
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.end(`${TEXT}GET /1 HTTP/1.1\r\nHost: a\r\n\r\n${requestFor('/2')}`);
    const answer = await answerOf(socket);
    expect(answer).toContain('http /1');
    expect(answer).toContain('http /2');
  });

  it('TLS that the load balancer has ended counts, also where it speaks HTTP/2 to us', async () => {
    const port = await start({}, { http2: DEFAULT_HTTP2_SETTINGS });
    const tls = Buffer.concat([Buffer.from([1, 0, 0, 0, 0]), extension(0x21, 'TLSv1.3')]);
    const header = binaryHeader(INET, Buffer.concat([Buffer.alloc(12), extension(0x20, tls)]));
    expect(await send(port, header, requestFor('/a'))).toContain('https /a');
    const socket = connect({ port, host: '127.0.0.1' });
    socket.write(header);
    const session = connectHttp2('http://a.example', { createConnection: () => socket });
    const stream = session.request({ ':path': '/two' });
    let text = '';
    for await (const chunk of stream) text += chunk;
    session.destroy();
    expect(text).toContain('https /two');
  });

  it('TLS begins, with the first bytes of its handshake in the same packet or later', async () => {
    const certificate = makeCertificate({ names: ['a.example'] });
    const tls = { ...TLS_DEFAULTS, certificates: [setOf(['a.example'], [certificate], true)] };
    const port = await start({}, { tls });
    for (const isTogether of [true, false]) {
      const carrier = connect({ port, host: '127.0.0.1', noDelay: true });
      await once(carrier, 'connect');
      if (isTogether) carrier.cork();
      carrier.write(TEXT);
      const socket = connectSecurely({ socket: carrier, servername: 'a.example', ca: certificate.cert });
      if (isTogether) setImmediate(() => carrier.uncork());
      await once(socket, 'secureConnect');
      socket.write(requestFor('/tls'));
      expect(await answerOf(socket)).toContain('203.0.113.7:4711 192.0.2.1:443 https /tls');
    }
    expect(refusals).toEqual([]);
  });

  it('only whom the connector trusts says on whose behalf he asks', async () => {
    const port = await start({}, { forwarding: { proxies: ['203.0.113.7'], fields: ['x-forwarded-for'] } });
    const request = requestFor('/a').replace('Host', 'X-Forwarded-For: 198.51.100.1\r\nHost');
    expect(await send(port, TEXT, request)).toContain('198.51.100.1:0 192.0.2.1:443');
    expect(await send(port, TEXT.replace('113.7', '113.8'), request)).toContain(
      '203.0.113.8:4711 192.0.2.1:443',
    );
  });
});

describe('a connection is cut', () => {
  it.each<[string, string, RefusalReason]>([
    ['without a header', requestFor('/a'), 'proxy-protocol-header'],
    ['with one that is broken', 'PROXY TCP4 1.2.3.4\r\n', 'proxy-protocol-header'],
  ])('%s', async (_, text, reason) => {
    const port = await start();
    expect(await send(port, text)).toBe('');
    expect(refusals).toEqual([reason]);
    expect(connector.openConnections).toBe(0);
  });

  it('that comes from anybody else, header or not', async () => {
    const port = await start({ from: ['192.0.2.0/24', '::/0', 'unix'] });
    expect(await send(port, TEXT, requestFor('/a'))).toBe('');
    expect(refusals).toEqual(['proxy-protocol-sender']);
  });

  it('when the header is not complete in time, however it drips', async () => {
    const port = await start({ timeoutMs: 200 });
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const answer = answerOf(socket);
    socket.write('PROXY UNKNOWN ');
    const drip = setInterval(() => socket.write('x'), 50);
    expect(await answer).toBe('');
    clearInterval(drip);
    expect(refusals).toEqual(['proxy-protocol-timeout']);
  });

  it('in silence, when the client goes before it has said anything', async () => {
    const port = await start();
    const socket = connect(port, '127.0.0.1');
    await until('it is counted', () => connector.openConnections === 1);
    socket.end();
    await once(socket, 'close');
    await until('it is forgotten', () => connector.openConnections === 0);
    expect(refusals).toEqual([]);
  });

  it('beyond the limit of connections', async () => {
    const port = await start({}, { limits: { ...DEFAULT_CONNECTOR_LIMITS, maxConnections: 1 } });
    const first = connect(port, '127.0.0.1');
    await until('it is counted', () => connector.openConnections === 1);
    expect(await send(port, TEXT, requestFor('/a'))).toMatch(/^HTTP\/1.1 503 /);
    expect(refusals).toEqual(['connection-limit']);
    first.destroy();
  });
});

describe('a header that is not required', () => {
  it('may be missing', async () => {
    const port = await start({ required: false });
    expect(await send(port, requestFor('/a'))).toMatch(/127\.0\.0\.1:\d+ .* \/a$/);
    expect(await send(port, TEXT, requestFor('/a'))).toContain('203.0.113.7:4711');
    expect(await send(port, '\r\n', requestFor('/a'))).toMatch(/127\.0\.0\.1:\d+ .* \/a$/);
    expect(await send(port, 'PROXY nonsense\r\n')).toBe('');
    expect(refusals).toEqual(['proxy-protocol-header']);
  });

  it('is not believed from others, who are served as they come', async () => {
    const port = await start({ required: false, from: ['192.0.2.1'] });
    expect(await send(port, requestFor('/a'))).toMatch(/127\.0\.0\.1:\d+ .* \/a$/);
    expect(await send(port, TEXT, requestFor('/a'))).toMatch(/^HTTP\/1\.1 400 /);
    expect(refusals).toEqual(['bad-request-line']);
  });
});
