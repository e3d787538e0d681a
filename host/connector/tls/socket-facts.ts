import type { PeerCertificate, TLSSocket } from 'node:tls';
import { ClientCertificate, TlsInfo } from '../../exchange/tls-info.js';
import { readClientHello } from './client-hello.js';

/**
 * What is known of a connection whose handshake has succeeded. Undefined when the client must not be let in: its
 * certificate has expired since the session that it resumes, or is too large to be told to an application.
 */
export function tlsInfoOf(socket: TLSSocket, firstBytes: Buffer | undefined): TlsInfo | undefined {
  const certificate = socket.getPeerCertificate() as Partial<PeerCertificate>;
  const { raw } = certificate;
  if (raw !== undefined && raw.length > MAX_CERTIFICATE_BYTES) return undefined;
  const isReused = socket.isSessionReused();
  if (raw !== undefined && isReused && socket.authorized && isExpired(certificate)) return undefined;
  return new TlsInfo({
    protocol: socket.getProtocol() ?? '',
    cipher: socket.getCipher().standardName,
    serverName: serverNameOf(socket) ?? (isReused ? nameIn(firstBytes) : undefined),
    // A session of TLS 1.3 that is resumed counts as authorized for Node, also when there never was a certificate.
    clientCertificate: raw === undefined ? undefined : new ClientCertificate(raw, socket.authorized),
  });
}

/** It goes with each request to the application, whose head has 64 KiB at most. */
const MAX_CERTIFICATE_BYTES = 16 * 1024;

function serverNameOf(socket: TLSSocket): string | undefined {
  const name: unknown = (socket as { readonly servername?: unknown }).servername;
  return typeof name === 'string' && name !== '' ? name.toLowerCase() : undefined;
}

/** OpenSSL does not tell the name when a session of TLS 1.2 is resumed. */
function nameIn(firstBytes: Buffer | undefined): string | undefined {
  return firstBytes === undefined ? undefined : readClientHello(firstBytes)?.serverName;
}

/** A resumed session does not look at the certificate again. */
function isExpired({ valid_to: validTo }: Partial<PeerCertificate>): boolean {
  return validTo !== undefined && Date.parse(validTo) < Date.now();
}
