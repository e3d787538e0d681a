/** The certificates of connectors with TLS as the admin API shows and steers them. No key, no password. */
export interface CertificatesView {
  certificates(): readonly CertificateView[];
  acme(): readonly AcmeView[];
  /** Absent: there are none. */
  revocationLists?(): readonly RevocationListView[];
  reloads(): readonly ReloadView[];
  /**
   * Reads files anew, of one connector or of all. Rejects with `PORTICO_CERTIFICATES_UNUSABLE`, then what it names is served
   * as before, and `PORTICO_CONNECTOR_UNKNOWN`.
   */
  reload(connector: string | undefined): Promise<void>;
}

/** A certificate in use. Times are ISO 8601. */
export interface CertificateView {
  readonly connector: string;
  /** Where it stands in `host.yaml`. */
  readonly place: string;
  readonly files: readonly string[];
  /** Names it is shown for. */
  readonly hosts: readonly string[];
  readonly keyType: string;
  readonly subject: string;
  readonly issuer: string;
  readonly serialNumber: string;
  readonly fingerprint256: string;
  readonly notBefore: string;
  readonly notAfter: string;
  /** Clients refuse one that is not `valid`. */
  readonly validity: 'valid' | 'expired' | 'not-yet-valid';
  /** What the responder of its authority says; absent: its connector does not staple. */
  readonly ocsp?: OcspView;
}

/** The OCSP response of a certificate. Times are ISO 8601. */
export interface OcspView {
  /** `stapled`: clients get it. `waiting`: not asked yet. `impossible`: there is nobody to ask. */
  readonly state: 'stapled' | 'waiting' | 'failed' | 'revoked' | 'impossible';
  readonly responder: string | undefined;
  /** Until then the answer in use is believed. */
  readonly until: string | undefined;
  readonly succeeded: number;
  readonly failed: number;
  /** Of the last attempt; undefined: nothing was wrong. */
  readonly lastError: string | undefined;
}

/** A certificate that comes from an authority. Times are ISO 8601. */
export interface AcmeView {
  readonly connector: string;
  readonly directory: string;
  readonly hosts: readonly string[];
  readonly challenge: string;
  readonly state: 'waiting' | 'ordering' | 'failed' | 'stopped';
  readonly nextAttemptAt: string | undefined;
  /** Failures in a row. */
  readonly failures: number;
  readonly lastError: { readonly code: string; readonly message: string; readonly at: string } | undefined;
}

/** A list of client certificates that count no more. Times are ISO 8601. */
export interface RevocationListView {
  readonly connector: string;
  readonly file: string;
  readonly issuer: string;
  readonly thisUpdate: string;
  /** Undefined: it does not say. */
  readonly nextUpdate: string | undefined;
  /** Clients of this authority are refused while it is not `valid`. */
  readonly validity: 'valid' | 'expired' | 'not-yet-valid';
}

/** How often the certificates of a connector were read anew. */
export interface ReloadView {
  readonly connector: string;
  readonly succeeded: number;
  readonly failed: number;
  /** Of the last one; undefined when nothing was wrong with it. */
  readonly lastError: string | undefined;
  readonly lastAt: string | undefined;
}
