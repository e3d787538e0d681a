import { once } from 'node:events';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { TlsSettings } from '#host/tls/tls-settings.js';
import { makeAuthority, makeCertificate, type TestCertificate } from '#test/support/certificates.js';

/** TLS as `host.yaml` has it by default. */
export const TLS_DEFAULTS: Omit<TlsSettings, 'certificates'> = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers:
    'TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256',
  clientCertificate: 'none',
  trust: [],
  strictSni: true,
  handshakeTimeoutMs: 30_000,
  sessionLifetimeMs: 3_600_000,
  ticketKeys: [],
};

/** One set: certificates that are shown for these names. */
export function setOf(hosts: readonly string[], certificates: readonly TestCertificate[], isDefault = false) {
  return { hosts, isDefault, pairs: certificates.map(({ cert, key }) => ({ cert, key })) };
}

/** Two hosts, each with a certificate of one authority; that of `shop.example` is the default. */
export function shopAndBlog() {
  const authority = makeAuthority();
  const shop = makeCertificate({ names: ['shop.example'], authority });
  const blog = makeCertificate({ names: ['blog.example'], authority });
  const certificates = [setOf(['shop.example'], [shop], true), setOf(['blog.example'], [blog])];
  return { authority, shop, blog, certificates };
}

/** Connects with TLS; rejects with what the client makes of a refusal. Certificates are not checked unless `ca` is given. */
export async function connectTls(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: options.ca !== undefined,
    ...options,
  });
  await once(socket, 'secureConnect');
  return socket;
}

/** Sends a request and gives everything until the server closes. */
export async function ask(socket: TLSSocket, host: string, path = '/'): Promise<string> {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  await once(socket, 'close');
  return text;
}
