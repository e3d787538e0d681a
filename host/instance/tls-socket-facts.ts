import type { X509Certificate } from 'node:crypto';
import type { CipherNameAndProtocol, DetailedPeerCertificate, PeerCertificate } from 'node:tls';
import type { ConnectionInfo } from '../exchange/exchange.js';

/**
 * What a `tls.TLSSocket` of a server tells, for a connection whose TLS was ended by the front. Undefined, each of them, on
 * a connection without TLS, as on any `net.Socket`.
 */
export const TLS_SOCKET_FACTS: Readonly<Record<string, (connection: ConnectionInfo) => unknown>> = {
  encrypted: ({ isSecure }) => (isSecure ? true : undefined),
  authorized: ({ tls, isSecure }) => (isSecure ? tls?.clientCertificate?.isAuthorized === true : undefined),
  authorizationError: ({ tls }) => (tls?.clientCertificate?.isAuthorized === false ? 'UNTRUSTED' : undefined),
  servername: ({ tls, isSecure }) => (isSecure ? (tls?.serverName ?? false) : undefined),
  alpnProtocol: ({ isSecure }) => (isSecure ? false : undefined),
  getProtocol: whenSecure(({ tls }) => tls?.protocol ?? null),
  getCipher: whenSecure(cipherOf),
  getPeerCertificate: whenSecure(({ tls }): PeerCertificate | DetailedPeerCertificate | object => {
    return tls?.clientCertificate?.toLegacyObject() ?? {};
  }),
  getPeerX509Certificate: whenSecure(({ tls }): X509Certificate | undefined => tls?.clientCertificate?.x509),
};

function whenSecure<T>(tell: (connection: ConnectionInfo) => T): (connection: ConnectionInfo) => unknown {
  return (connection) => (connection.isSecure ? () => tell(connection) : undefined);
}

function cipherOf({ tls }: ConnectionInfo): CipherNameAndProtocol | object {
  if (tls === undefined) return {};
  return { name: tls.cipher, standardName: tls.cipher, version: tls.protocol };
}
