/** `connectors[].tls.acme` of `host.yaml`: certificates that come from an authority by themselves (RFC 8555). */
export interface AcmeConfig {
  /** URL of the directory of the authority; https. */
  readonly directory: string;
  /** Absolute path of a PEM file with the authorities that the directory's own https comes from; undefined: the usual. */
  readonly directoryCaFile: string | undefined;
  /** Binds a new account to one that the authority knows otherwise (RFC 8555 §7.3.4). */
  readonly externalAccount: ExternalAccount | undefined;
  /** Mail addresses that the authority may write to. */
  readonly contact: readonly string[];
  /** Host names for one certificate, in lower case; at least one. */
  readonly hosts: readonly string[];
  readonly challenge: AcmeChallengeType;
  readonly keyType: 'ec-p256' | 'ec-p384' | 'rsa-2048' | 'rsa-4096';
  /** Time before the end of a certificate when the next one is asked for; undefined: a third of its life. */
  readonly renewBeforeMs: number | undefined;
  /** After a failure; doubles with each further one up to the longest. */
  readonly minRetryMs: number;
  readonly maxRetryMs: number;
}

export type AcmeChallengeType = 'http-01' | 'tls-alpn-01';

export interface ExternalAccount {
  readonly keyId: string;
  /** Key for the signature (HMAC) in base64url, or the file whose first line it is. */
  readonly key: { readonly text: string } | { readonly file: string };
}
