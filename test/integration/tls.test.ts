import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { Agent, type RequestOptions, request } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { makeAuthority, makeCertificate, makeJks, type TestCertificate } from '#test/support/certificates.js';
import { TestHost } from '#test/support/host.js';
import { until } from '#test/support/polling.js';
import { TemporaryFolder } from '#test/support/temporary-folder.js';
import { connectTls } from '#test/support/tls-connector.js';

/** A server of Node: tells what its socket tells, or sends back what it gets. */
const SERVER = `export default (request, response) => {
  const { socket, headers, url } = request;
  if (url === '/echo') return void request.pipe(response);
  response.end(JSON.stringify({
    encrypted: socket.encrypted, authorized: socket.authorized, servername: socket.servername,
    protocol: socket.getProtocol(), cipher: socket.getCipher().standardName,
    subject: socket.getPeerCertificate().subject, serial: socket.getPeerX509Certificate()?.serialNumber,
    clientCert: headers['client-cert'], chain: headers['client-cert-chain'], proto: headers['x-forwarded-proto'],
  }));
};`;

const FRAMEWORK = `import { routing } from 'portico';
export function main(application) {
  routing(application, (root) => {
    root.get('/', ({ request }) => JSON.stringify({
      scheme: request.scheme, protocol: request.tls?.protocol, servername: request.tls?.serverName,
      subject: request.tls?.clientCertificate?.subject, authorized: request.tls?.clientCertificate?.isAuthorized,
      clientCert: request.header('client-cert'), chain: request.header('client-cert-chain'),
    }));
  });
}`;

describe('a host with TLS', () => {
  const forged = { 'client-cert': ':Zm9yZ2Vk:', 'client-cert-chain': ':Zm9yZ2Vk:' };
  const authority: TestCertificate = makeAuthority();
  const shop = makeCertificate({ names: ['shop.example'], authority });
  const blog = makeCertificate({ names: ['blog.example'], authority });
  const ann = makeCertificate({ commonName: 'ann', authority });
  let folder: TemporaryFolder;
  let host: TestHost;

  const put = (name: string, content: string | Buffer) => {
    const file = join(folder.path, name);
    writeFileSync(`${file}.new`, content);
    renameSync(`${file}.new`, file);
    return file;
  };

  beforeAll(async () => {
    folder = new TemporaryFolder();
    const password = put('password', 'secret\n');
    host = await TestHost.start({
      config: `fronts: 2
connectors:
  - name: https
    host: 127.0.0.1
    tls:
      certificates:
        - { cert: ${put('shop.pem', shop.cert)}, key: ${put('shop.key', shop.key)} }
        - { keyStore: ${put('blog.jks', makeJks({ blog }, 'secret'))}, passwordFile: ${password} }
      clientCertificate: optional
      trust: [${put('ca.pem', authority.cert)}]
      watchInterval: 200ms
`,
      apps: {
        server: { 'package.json': '{ "type": "module", "main": "app.js" }', 'app.js': SERVER },
        framework: {
          'package.json': '{ "type": "module" }',
          'application.yaml': 'portico: { application: { modules: ["app.js#main"] } }\n',
          'app.js': FRAMEWORK,
        },
      },
    });
  });
  afterAll(async () => {
    await host?.stop();
    folder.remove();
  });

  const fetchTls = async (path: string, options: RequestOptions = {}, body?: Buffer) => {
    const outgoing = request({
      host: '127.0.0.1',
      port: host.port,
      path,
      servername: 'shop.example',
      ca: authority.cert,
      agent: false,
      ...options,
      headers: { host: 'shop.example', ...(options.headers as Record<string, string>) },
    });
    outgoing.end(body);
    const [response] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return { status: response.statusCode, body: Buffer.concat(chunks) };
  };
  const json = async (...args: Parameters<typeof fetchTls>) =>
    JSON.parse((await fetchTls(...args)).body.toString()) as Record<string, unknown>;

  it('tells servers of Node what a TLS socket tells', async () => {
    const plain = await json('/server/', { headers: forged });
    expect(plain).toEqual({
      encrypted: true,
      authorized: false,
      servername: 'shop.example',
      protocol: 'TLSv1.3',
      cipher: 'TLS_AES_128_GCM_SHA256',
      proto: 'https',
    });
    const known = await json('/server/', { headers: forged, cert: ann.cert, key: ann.key });
    expect(known).toMatchObject({
      authorized: true,
      subject: { CN: 'ann' },
      clientCert: `:${ann.der.toString('base64')}:`,
    });
    expect(known['serial']).toMatch(/^40[0-9A-F]{16}$/);
    expect(known).not.toHaveProperty('chain');
    const eve = makeCertificate({ commonName: 'eve' });
    const unknown = await json('/server/', { cert: eve.cert, key: eve.key });
    expect(unknown).toMatchObject({ authorized: false, subject: { CN: 'eve' } });
    expect(unknown).not.toHaveProperty('clientCert');
  });

  it('tells applications of the framework', async () => {
    expect(await json('/framework/', { headers: forged, cert: ann.cert, key: ann.key })).toEqual({
      scheme: 'https',
      protocol: 'TLSv1.3',
      servername: 'shop.example',
      subject: 'CN=ann',
      authorized: true,
    });
  });

  it('answers 421 for hosts of another certificate, on the same connection as others before and after', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const status = async (name: string, servername = 'shop.example') =>
      (await fetchTls('/server/', { agent, servername, headers: { host: name } })).status;
    expect(await status('shop.example')).toBe(200);
    expect(await status('blog.example')).toBe(421);
    expect(await status('blog.example.')).toBe(421);
    expect(await status('shop.example:8443')).toBe(200);
    expect(await status('SHOP.example.:8443')).toBe(200);
    agent.destroy();
    expect(
      (await fetchTls('/server/', { servername: 'blog.example', headers: { host: 'blog.example' } })).status,
    ).toBe(200);
    const dot = { servername: 'blog.example', headers: { host: 'blog.example.' } };
    expect((await fetchTls('/server/', dot)).status).toBe(200);
    // Whoever names no host is shown the default, and belongs to it with every name that no certificate has.
    const bare = { servername: '', checkServerIdentity: () => undefined };
    expect((await fetchTls('/server/', { ...bare, headers: { host: '127.0.0.1' } })).status).toBe(200);
    expect((await fetchTls('/server/', { ...bare, headers: { host: 'blog.example' } })).status).toBe(421);
    await until('the refusals are counted', async () =>
      /portico_[a-z_]*refused[a-z_]*\{[^}]*misdirected-request[^}]*\} 3/.test(
        await (await host.admin('/metrics')).text(),
      ),
    );
  });

  it('carries large bodies both ways', async () => {
    const body = randomBytes(8 * 1024 * 1024);
    const answer = await fetchTls('/server/echo', { method: 'POST' }, body);
    expect(answer.body.equals(body)).toBe(true);
  });

  it('resumes sessions, whichever front takes the connection', async () => {
    const options = { servername: 'shop.example', ca: authority.cert };
    const first = await connectTls(host.port, options);
    const [session] = (await once(first, 'session')) as [Buffer];
    first.destroy();
    for (let i = 0; i < 10; i++) {
      const socket = await connectTls(host.port, { ...options, session });
      expect(socket.isSessionReused()).toBe(true);
      socket.destroy();
    }
  });

  it('reads changed certificates anew while connections live, and keeps those it has when files are broken', async () => {
    const options = { servername: 'shop.example', ca: authority.cert };
    const live = await connectTls(host.port, options);
    const shown = async () => {
      const socket = await connectTls(host.port, options);
      const { raw } = socket.getPeerCertificate();
      socket.destroy();
      return raw;
    };
    put('shop.pem', 'broken');
    await until('the host says so', () => host.log.includes('certificates in use are kept'));
    expect(host.log).toMatch(/tls\.certificates\[0\]: .*shop\.pem holds no certificate/);
    expect(await shown()).toEqual(shop.der);
    const renewed = makeCertificate({ names: ['shop.example'], authority });
    put('shop.pem', renewed.cert);
    put('shop.key', renewed.key);
    await until('the new one is shown', async () => (await shown()).equals(renewed.der));
    live.write('GET /server/ HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n');
    const [answer] = (await once(live, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1\.1 200 /);
    live.destroy();
  });
});
