import type { ClientCertificateMode, TlsVersion } from '../tls/tls-settings.js';
import type { AcmeConfig } from './acme-config.js';
import { acmeConfigOf } from './acme-schema.js';
import type { ConfigPath } from './config-error.js';
import { transportSecurityOf } from './hsts-schema.js';
import type { TlsSection } from './tls-schema.js';

/** `connectors[].tls` of `host.yaml`, checked as far as it can be without opening the files it names. */
export interface TlsConfig {
  /** Where it stands, for messages: `host.yaml:12:5: connectors[0].tls`. */
  readonly place: string;
  /** In the order of the file; at least one, unless there is `acme`. */
  readonly certificates: readonly CertificateSource[];
  /** One more certificate, which comes from an authority by itself. */
  readonly acme: AcmeConfig | undefined;
  /** As `ConnectorSettings.transportSecurity`. */
  readonly transportSecurity: string | undefined;
  /** Name of the certificate that is shown to clients without SNI; undefined: that of the first one. */
  readonly defaultHost: string | undefined;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** As OpenSSL knows them, joined by colons. */
  readonly ciphers: string;
  readonly clientCertificate: ClientCertificateMode;
  /** Absolute paths of PEM files. */
  readonly trustFiles: readonly string[];
  /** Absolute paths of files with revocation lists of these authorities, PEM or DER. */
  readonly revocationListFiles: readonly string[];
  /** What the responders of the authorities say of the certificates goes into the handshakes. */
  readonly ocspStapling: boolean;
  /** URL of the responder to be asked for all certificates; undefined: each certificate names its own. */
  readonly ocspResponder: string | undefined;
  readonly strictSni: boolean;
  readonly handshakeTimeoutMs: number;
  readonly sessionLifetimeMs: number;
  /** Time between two looks at the files. 0: they are read again on command only. */
  readonly watchIntervalMs: number;
}

/** Where one certificate with its key comes from. */
export type CertificateSource = PemSource | KeyStoreSource;

interface SourceBase {
  /** Where it stands: `host.yaml:14:9: connectors[0].tls.certificates[1]`. */
  readonly place: string;
  /** Names it is shown for, in lower case; undefined: those that the certificate itself has. */
  readonly hosts: readonly string[] | undefined;
  readonly password: PasswordSource | undefined;
}

/** Two files, PEM. */
export interface PemSource extends SourceBase {
  readonly kind: 'pem';
  /** Absolute. The certificate, then its authorities. */
  readonly certFile: string;
  /** Absolute; may be the same file. */
  readonly keyFile: string;
}

/** One file with certificate and key. */
export interface KeyStoreSource extends SourceBase {
  readonly kind: 'key-store';
  /** Absolute. */
  readonly file: string;
  /** Undefined: seen from its first bytes. */
  readonly type: KeyStoreType | undefined;
  /** Undefined: the only entry with a key. */
  readonly alias: string | undefined;
  /** Of the key itself (JKS); undefined: that of the store. */
  readonly keyPassword: PasswordSource | undefined;
}

export type KeyStoreType = 'pkcs12' | 'jks' | 'pem';

/** A password, or the file whose first line it is. */
export type PasswordSource = { readonly text: string } | { readonly file: string };

/** Makes settings of a section; `fileOf` makes a path absolute, `placeOf` says where something stands. */
export function tlsConfigOf(
  section: TlsSection,
  fileOf: (path: string) => string,
  placeOf: (inner: ConfigPath) => string,
): TlsConfig {
  return {
    place: placeOf([]),
    certificates: (section.certificates ?? []).map((certificate, index) =>
      sourceOf(certificate, fileOf, placeOf(['certificates', index])),
    ),
    acme: section.acme === undefined ? undefined : acmeConfigOf(section.acme, fileOf),
    transportSecurity: section.hsts === undefined ? undefined : transportSecurityOf(section.hsts),
    defaultHost: section.default,
    minVersion: section.protocols.includes('TLSv1.2') ? 'TLSv1.2' : 'TLSv1.3',
    maxVersion: section.protocols.includes('TLSv1.3') ? 'TLSv1.3' : 'TLSv1.2',
    ciphers: section.ciphers.join(':'),
    clientCertificate: section.clientCertificate,
    trustFiles: section.trust.map(fileOf),
    revocationListFiles: section.revocationLists.map(fileOf),
    ocspStapling: section.ocspStapling,
    ocspResponder: section.ocspResponder,
    strictSni: section.strictSni,
    handshakeTimeoutMs: section.handshakeTimeout,
    sessionLifetimeMs: section.sessionLifetime,
    watchIntervalMs: section.watchInterval,
  };
}

function sourceOf(
  given: NonNullable<TlsSection['certificates']>[number],
  fileOf: (path: string) => string,
  place: string,
): CertificateSource {
  const passwordOf = (text: string | undefined, file: string | undefined): PasswordSource | undefined =>
    text !== undefined ? { text } : file !== undefined ? { file: fileOf(file) } : undefined;
  const { hosts, cert = '', key = '', keyStore, type, alias } = given;
  const password = passwordOf(given.password, given.passwordFile);
  if (keyStore === undefined)
    return { kind: 'pem', place, hosts, password, certFile: fileOf(cert), keyFile: fileOf(key) };
  const keyPassword = passwordOf(given.keyPassword, given.keyPasswordFile);
  return { kind: 'key-store', place, hosts, password, file: fileOf(keyStore), type, alias, keyPassword };
}
