import type { X509Certificate } from 'node:crypto';
import { type KeyEntry, unusable } from './key-entry.js';
import type { CertificatePair } from './tls-settings.js';

/** What a certificate says of itself. */
export interface CertificateFacts {
  /** Host names it is for, in lower case; addresses are left out, no client names them in the handshake. */
  readonly names: readonly string[];
  /** `rsa`, `ec`, `ed25519`, … */
  readonly keyType: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** One line. */
  readonly subject: string;
  readonly issuer: string;
  readonly serialNumber: string;
  readonly fingerprint256: string;
}

export function factsOf({ chain: [own], key }: KeyEntry): CertificateFacts {
  if (own === undefined) throw unusable('There is no certificate.');
  const { serialNumber, fingerprint256 } = own;
  return {
    names: namesOf(own),
    keyType: key.asymmetricKeyType ?? 'unknown',
    notBefore: new Date(own.validFrom),
    notAfter: new Date(own.validTo),
    subject: own.subject.replaceAll('\n', ', '),
    issuer: own.issuer.replaceAll('\n', ', '),
    serialNumber,
    fingerprint256,
  };
}

/** Whether its time is now. Clients refuse one that is not `valid`. */
export type Validity = 'valid' | 'expired' | 'not-yet-valid';

export function validityOf(times: Pick<CertificateFacts, 'notBefore' | 'notAfter'>, now: Date): Validity {
  if (now > times.notAfter) return 'expired';
  return now < times.notBefore ? 'not-yet-valid' : 'valid';
}

/** As the fronts get it. */
export function pairOf({ key, chain }: KeyEntry): CertificatePair {
  return {
    cert: chain.map((certificate) => certificate.toString()).join(''),
    key: key.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

/** Alternative names (RFC 9525 §6.2); the common name only of old certificates that have none at all. */
function namesOf({ subjectAltName, subject }: X509Certificate): string[] {
  if (subjectAltName !== undefined) {
    const names = [...subjectAltName.matchAll(/(?:^|, )DNS:([^,"\s]+)/g)].map(([, name = '']) =>
      name.toLowerCase(),
    );
    return [...new Set(names)];
  }
  const common = /(?:^|\n)CN=([A-Za-z0-9.*-]+)(?:\n|$)/.exec(subject ?? '')?.[1];
  return common === undefined ? [] : [common.toLowerCase()];
}
