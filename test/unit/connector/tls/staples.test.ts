import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type ConnectionOptions, connect } from 'node:tls';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { Exchange } from '#host/exchange/exchange.js';
import type { StapleChange, TlsSettings } from '#host/tls/tls-settings.js';
import type { TestCertificate } from '#test/support/certificates.js';
import { TestServer } from '#test/support/connector-server.js';
import { setOf, shopAndBlog } from '#test/support/tls-connector.js';

const { shop, blog, certificates } = shopAndBlog();

let server: TestServer;
afterEach(() => server.stop());

const start = async (tls: Partial<TlsSettings>) => {
  const handler = (exchange: Exchange): void => exchange.respond(200, [], 'hello');
  server = await TestServer.start(handler, {}, { tls: { certificates, ...tls } });
};

/** A staple is opaque to whoever shows it. */
const staple = ({ der }: TestCertificate, text: string, until = Date.now() + 60_000): StapleChange => ({
  fingerprint256: new X509Certificate(der).fingerprint256,
  response: Buffer.from(text).toString('base64'),
  until,
});

/** Node's types do not know the option. */
type StapleOptions = ConnectionOptions & { readonly requestOCSP?: boolean };

/** What is stapled for a client that asks for it; undefined: nothing. */
const stapledFor = async (servername: string, options: StapleOptions = {}) => {
  const wish: StapleOptions = { servername, requestOCSP: true, rejectUnauthorized: false, ...options };
  const socket = connect({ port: server.port, host: '127.0.0.1', ...wish });
  let response: Buffer | null | undefined;
  socket.on('OCSPResponse', (bytes: Buffer | null) => {
    response = bytes;
  });
  await once(socket, 'secureConnect');
  socket.destroy();
  return response?.toString();
};

describe('a connector that staples', () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`shows each client what there is for the certificate it gets (${version})`, async () => {
      const options = { minVersion: version, maxVersion: version };
      await start({ staples: [staple(blog, 'of the blog')] });
      expect(await stapledFor('blog.example', options)).toBe('of the blog');
      expect(await stapledFor('shop.example', options)).toBeUndefined();
      server.connector.useStaples([staple(shop, 'of the shop'), staple(blog, 'newer')]);
      expect(await stapledFor('blog.example', options)).toBe('newer');
      expect(await stapledFor('shop.example', options)).toBe('of the shop');
      // The default, for a name that no certificate has.
      expect(await stapledFor('other.example', options)).toBe('of the shop');
      expect(await stapledFor('', options)).toBe('of the shop');
      expect(await stapledFor('shop.example', { ...options, requestOCSP: false })).toBeUndefined();
    });
  }

  it('shows nothing that is over, or was taken back; and goes on with other certificates', async () => {
    await start({ staples: [staple(shop, 'over', Date.now() - 1), staple(blog, 'of the blog')] });
    expect(await stapledFor('shop.example')).toBeUndefined();
    server.connector.useCertificates({ certificates: [setOf(['blog.example'], [blog], true)] });
    expect(await stapledFor('blog.example')).toBe('of the blog');
    server.connector.useStaples([{ fingerprint256: new X509Certificate(blog.der).fingerprint256 }]);
    expect(await stapledFor('blog.example')).toBeUndefined();
  });

  it('does so only where it is switched on', async () => {
    await start({});
    server.connector.useStaples([staple(shop, 'of the shop')]);
    expect(await stapledFor('shop.example')).toBeUndefined();
  });
});
