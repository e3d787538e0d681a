import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { messageOf, PorticoError } from '../errors.js';

/** A private key with its certificate and those that vouch for it. */
export interface KeyEntry {
  readonly key: KeyObject;
  /** The certificate of the key first, then each followed by its issuer, as far as they are there. */
  readonly chain: readonly X509Certificate[];
}

/**
 * Puts the certificates in order. Throws `PORTICO_KEY_STORE` when none of them is that of the key.
 * `what` says where they come from, for messages.
 */
export function keyEntryOf(key: KeyObject, certificates: readonly X509Certificate[], what: string): KeyEntry {
  const own = certificates.find((certificate) => certificate.checkPrivateKey(key));
  if (own === undefined) {
    const subject = certificates[0]?.subject.replaceAll('\n', ', ');
    throw unusable(
      certificates.length === 0
        ? `${what} holds no certificate for its key.`
        : `The key does not belong to the certificate: ${what} is for ${subject}. Look for a key and a certificate that were made together.`,
    );
  }
  const rest = certificates.filter((certificate) => certificate !== own);
  const chain = [own];
  for (let last: X509Certificate = own; ; ) {
    const index = rest.findIndex((candidate) => last.checkIssued(candidate));
    const issuer = rest[index];
    if (issuer === undefined) break;
    rest.splice(index, 1);
    chain.push(issuer);
    last = issuer;
  }
  return { key, chain };
}

/** Reads a private key, PEM or DER (PKCS #8). Throws `PORTICO_KEY_STORE`. */
export function readKey(
  key: { readonly pem: string } | { readonly der: Buffer },
  password: string | undefined,
  what: string,
): KeyObject {
  try {
    return 'pem' in key
      ? createPrivateKey({ key: key.pem, ...(password !== undefined && { passphrase: password }) })
      : createPrivateKey({ key: key.der, format: 'der', type: 'pkcs8' });
  } catch (cause) {
    // OpenSSL's own words depend on what the wrong password makes of the bytes.
    if (password !== undefined)
      throw unusable(
        `The password does not open the key in ${what}, or it is broken: ${messageOf(cause)}.`,
        cause,
      );
    throw unusable(`The key in ${what} cannot be read: ${messageOf(cause)}.`, cause);
  }
}

/** Reads certificates. Throws `PORTICO_KEY_STORE`. */
export function readCertificateBytes(bytes: Buffer | string, what: string): X509Certificate {
  try {
    return new X509Certificate(bytes);
  } catch (cause) {
    throw unusable(`A certificate in ${what} cannot be read: ${messageOf(cause)}.`, cause);
  }
}

/** The one entry with a key that is meant. Throws `PORTICO_KEY_STORE` when it is not clear which. */
export function chooseEntry<T>(entries: ReadonlyMap<string, T>, alias: string | undefined, what: string): T {
  const names = [...entries.keys()];
  const known = names.length === 0 ? 'It holds no key.' : `Its keys are ${names.join(', ')}.`;
  if (alias === undefined) {
    const [first] = entries.values();
    if (first !== undefined && entries.size === 1) return first;
    throw unusable(
      entries.size === 0
        ? `${what} holds no private key.`
        : `${what} holds several keys. ${known} Name one with "alias".`,
    );
  }
  // Java does not tell upper from lower case here.
  const name = names.find((candidate) => candidate.toLowerCase() === alias.toLowerCase());
  const found = name === undefined ? undefined : entries.get(name);
  if (found !== undefined) return found;
  throw unusable(`${what} has no key with the alias ${JSON.stringify(alias)}. ${known}`);
}

/** `PORTICO_KEY_STORE`: a file with certificate or key cannot be used. */
export function unusable(message: string, cause?: unknown): PorticoError {
  return new PorticoError('PORTICO_KEY_STORE', message, { cause });
}
