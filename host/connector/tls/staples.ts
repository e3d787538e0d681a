import { createHash } from 'node:crypto';
import type { StapleChange } from '../../tls/tls-settings.js';

/**
 * What responders say of the certificates of one connector (OCSP, RFC 6066 §8), ready to go into handshakes. Shared by all
 * secure contexts of the connector, so that another answer costs none of them.
 */
export class Staples {
  readonly #byFingerprint = new Map<string, { readonly response: Buffer; readonly until: number }>();

  change(changes: readonly StapleChange[]): void {
    for (const { fingerprint256, response, until } of changes) {
      if (response === undefined || until === undefined) this.#byFingerprint.delete(fingerprint256);
      else this.#byFingerprint.set(fingerprint256, { response: Buffer.from(response, 'base64'), until });
    }
  }

  /** The answer for a certificate (DER); null when there is none that is still believed. */
  find(certificate: Buffer | null | undefined): Buffer | null {
    if (certificate === null || certificate === undefined || this.#byFingerprint.size === 0) return null;
    const found = this.#byFingerprint.get(fingerprintOf(certificate));
    return found === undefined || found.until <= Date.now() ? null : found.response;
  }
}

/** As `X509Certificate.fingerprint256` writes it. */
function fingerprintOf(certificate: Buffer): string {
  const hex = createHash('sha256').update(certificate).digest('hex').toUpperCase();
  return hex.replace(/..(?=.)/g, '$&:');
}
