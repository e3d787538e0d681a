import type { ClientCertificateMode, TlsVersion } from '../tls/tls-settings.js';

/** `connectors[].tls` of `host.yaml`, checked as far as it can be without opening the files it names. */
export interface TlsConfig {
  /** Where it stands: `connectors[0].tls`. */
  readonly place: string;
  /** In the order of the file; at least one. */
  readonly certificates: readonly CertificateSource[];
  /** Name of the certificate that is shown to clients without SNI; undefined: that of the first one. */
  readonly defaultHost: string | undefined;
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** As OpenSSL knows them, joined by colons. */
  readonly ciphers: string;
  readonly clientCertificate: ClientCertificateMode;
  /** Absolute paths of PEM files. */
  readonly trustFiles: readonly string[];
  readonly strictSni: boolean;
  readonly handshakeTimeoutMs: number;
  readonly sessionLifetimeMs: number;
  /** Time between two looks at the files. 0: they are read again on command only. */
  readonly watchIntervalMs: number;
}

/** Where one certificate with its key comes from. */
export type CertificateSource = PemSource | KeyStoreSource;

interface SourceBase {
  /** Where it stands: `connectors[0].tls.certificates[1]`. */
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
