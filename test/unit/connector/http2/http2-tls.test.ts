import { afterEach, describe, expect, it } from '@jest/globals';
import type { Exchange } from '#host/exchange/exchange.js';
import { makeCertificate } from '#test/support/certificates.js';
import { TestServer } from '#test/support/connector-server.js';
import { FrameClient, request } from '#test/support/http2/frame-client.js';
import { Http2Client } from '#test/support/http2/http2-client.js';
import { ask, connectTls, setOf } from '#test/support/tls-connector.js';

let server: TestServer;
afterEach(() => server.stop());

function tell(exchange: Exchange): void {
  const { version, connection } = exchange.head;
  exchange.respond(200, [], `${version} ${connection.isSecure} ${connection.tls?.serverName}`);
}

async function start(withHttp2: boolean): Promise<void> {
  const shop = makeCertificate({ names: ['shop.example'] });
  server = await TestServer.start(
    tell,
    {},
    {
      tls: { certificates: [setOf(['shop.example'], [shop], true)] },
      ...(withHttp2 && { http2: {} }),
      transportSecurity: 'max-age=60',
    },
  );
}

describe('HTTP/2 with TLS', () => {
  it('is spoken when the client offers it', async () => {
    await start(true);
    const options = { rejectUnauthorized: false, servername: 'shop.example' };
    const client = await Http2Client.open(server.port, options, 'https');
    expect(client.session.alpnProtocol).toBe('h2');
    const { body, headers } = await client.request({ ':path': '/', ':authority': 'shop.example' });
    expect(body).toBe('2.0 true shop.example');
    expect(headers['strict-transport-security']).toBe('max-age=60');
    expect((await client.request({ ':path': '/%00' })).headers['strict-transport-security']).toBe(
      'max-age=60',
    );
    expect(server.connector.openConnections).toBe(1);
    client.close();
  });

  it('leaves clients without it alone', async () => {
    await start(true);
    const socket = await connectTls(server.port, { servername: 'shop.example', ALPNProtocols: ['http/1.1'] });
    expect(await ask(socket, 'shop.example')).toContain('1.1 true shop.example');
    const silent = await connectTls(server.port, { servername: 'shop.example' });
    expect(await ask(silent, 'shop.example')).toContain('1.1 true shop.example');
  });

  it('is not offered when it is off', async () => {
    await start(false);
    const socket = await connectTls(server.port, { ALPNProtocols: ['h2', 'http/1.1'] });
    expect(socket.alpnProtocol).toBe('http/1.1');
    socket.destroy();
  });

  it('is not spoken behind a handshake that agreed on something else', async () => {
    await start(true);
    const socket = await connectTls(server.port, { ALPNProtocols: ['http/1.1'] });
    let text = '';
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    expect(text).toMatch(/^HTTP\/1\.1 505 /);
  });

  it('takes frames one by one', async () => {
    await start(true);
    const client = await FrameClient.open(server.port, true);
    client.headers(1, request('/'));
    expect(await client.outcome(1)).toBe('200');
    expect(await client.isAlive()).toBe(true);
    client.close();
  });
});
