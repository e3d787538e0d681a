import { webcrypto } from 'node:crypto';
import { messageOf } from '../errors.js';
import { unusable } from './key-entry.js';

/** Certificates that an authority has taken back (RFC 5280 §5). */
export interface RevocationList {
  /** One list, PEM. */
  readonly pem: string;
  /** The file it comes from. */
  readonly file: string;
  /** Of the authority, one line. */
  readonly issuer: string;
  readonly thisUpdate: Date;
  /** From then on nobody believes it; undefined: it does not say. */
  readonly nextUpdate: Date | undefined;
}

/**
 * Reads the lists of a file, PEM (several) or DER (one), and checks that each is signed by one of these authorities.
 * `authorities`: PEM. Throws `PORTICO_KEY_STORE`.
 */
export async function readRevocationLists(
  bytes: Buffer,
  authorities: readonly string[],
  file: string,
): Promise<RevocationList[]> {
  // Its memory is needed only where there is such a file.
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0]);
  const certificates = authorities.map((pem) => new x509.X509Certificate(pem));
  const lists: RevocationList[] = [];
  for (const der of blocksOf(bytes, file)) {
    let list: InstanceType<typeof x509.X509Crl>;
    try {
      list = new x509.X509Crl(der);
    } catch (cause) {
      throw unusable(`A revocation list in ${file} cannot be read: ${messageOf(cause)}.`, cause);
    }
    const { issuer, thisUpdate, nextUpdate } = list;
    const named = certificates.filter(({ subject }) => subject === issuer);
    if (named.length === 0)
      throw unusable(
        `The revocation list in ${file} is of ${issuer}, which is not among the authorities of "trust". Add the authority there, or remove the list.`,
      );
    const isSigned = await Promise.all(
      named.map((one) => list.verify({ publicKey: one }).catch(() => false)),
    );
    if (!isSigned.includes(true))
      throw unusable(
        `The revocation list in ${file} is not signed by ${issuer} as it stands in "trust". Fetch the list, or the certificate of the authority, anew.`,
      );
    lists.push({ pem: pemOf(der), file, issuer, thisUpdate, nextUpdate });
  }
  return lists;
}

const BLOCK = /-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]*)-----END X509 CRL-----/g;
/** What a sequence begins with in DER. */
const SEQUENCE = 0x30;

function blocksOf(bytes: Buffer, file: string): Buffer[] {
  const blocks = [...bytes.toString('latin1').matchAll(BLOCK)].map(([, body = '']) =>
    Buffer.from(body, 'base64'),
  );
  if (blocks.length > 0) return blocks;
  if (bytes[0] === SEQUENCE) return [bytes];
  throw unusable(
    `${file} holds no revocation list. PEM is expected, text with -----BEGIN X509 CRL-----, or DER.`,
  );
}

function pemOf(der: Buffer): string {
  const text = der.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN X509 CRL-----\n${text}\n-----END X509 CRL-----\n`;
}
