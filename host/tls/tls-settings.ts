/**
 * TLS of one listening address as its connector needs it: plain data, with certificates and keys as PEM text. The
 * server reads and checks the files and sends this to the fronts; a front never reads a key file.
 */
export interface TlsSettings {
  /** At least one. No name stands in two of them. */
  readonly certificates: readonly CertificateSet[];
  /** Shown to validators that ask for `acme-tls/1` (RFC 8737) and to nobody else. */
  readonly challenges?: readonly ChallengeCertificate[];
  readonly minVersion: TlsVersion;
  readonly maxVersion: TlsVersion;
  /** Names of cipher suites as OpenSSL knows them, best first, joined by colons. */
  readonly ciphers: string;
  readonly clientCertificate: ClientCertificateMode;
  /** PEM of the authorities that client certificates must come from; empty with `none`. */
  readonly trust: readonly string[];
  /** PEM, one list each; with any, clients of an authority without a list that is valid now are refused. */
  readonly revocationLists?: readonly string[];
  /** Answers of responders at the time the front begins; undefined: nothing is stapled here. */
  readonly staples?: readonly StapleChange[];
  /** A request for a host that another certificate set serves gets 421 (RFC 9110 §15.5.20). */
  readonly strictSni: boolean;
  /** From the first to the last byte of the handshake; a client that has not finished it then is cut. */
  readonly handshakeTimeoutMs: number;
  /** How long a client may resume a session. */
  readonly sessionLifetimeMs: number;
  /**
   * Keys of session tickets, 48 bytes each in base64: the first makes new tickets, all are accepted. Equal in all
   * fronts, so that a client can resume at each. Empty: no tickets.
   */
  readonly ticketKeys: readonly string[];
}

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** `optional`: asked for; who shows none, or one that is not trusted, is served all the same, and the application is told. */
export type ClientCertificateMode = 'none' | 'optional' | 'required';

/** Certificates that are shown for the same names. */
export interface CertificateSet {
  /** In lower case: `shop.example`, or `*.shop.example` for all names with one label more. */
  readonly hosts: readonly string[];
  /** Shown to clients that name no host, or one that no set has. True for exactly one set. */
  readonly isDefault: boolean;
  /** One for each type of key; the client's offer decides. */
  readonly pairs: readonly CertificatePair[];
}

/** A certificate and its key. */
export interface CertificatePair {
  /** PEM: the certificate, then those of the authorities up to the root, which may be missing. */
  readonly cert: string;
  /** PEM, not encrypted. */
  readonly key: string;
}

/** Proves to a certification authority that this host answers for a name. */
export interface ChallengeCertificate extends CertificatePair {
  /** In lower case. */
  readonly host: string;
}

/** What can be replaced while connections live. */
export type CertificateUpdate = Pick<TlsSettings, 'certificates' | 'challenges'> &
  Partial<Pick<TlsSettings, 'trust' | 'revocationLists'>>;

/** What is stapled to a certificate from now on; without `response` nothing. */
export interface StapleChange {
  /** Of the certificate, as `X509Certificate.fingerprint256` writes it. */
  readonly fingerprint256: string;
  /** An OCSP response, DER in base64. */
  readonly response?: string;
  /** When clients cease to believe it, in milliseconds since 1970; it is not shown then. */
  readonly until?: number;
}
