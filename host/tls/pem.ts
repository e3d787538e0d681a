import type { X509Certificate } from 'node:crypto';
import { type KeyEntry, keyEntryOf, readCertificateBytes, readKey, unusable } from './key-entry.js';

/** True when there is a block of PEM in it. */
export function isPem(bytes: Buffer): boolean {
  return bytes.includes('-----BEGIN ');
}

/** All certificates of a PEM text. Throws `PORTICO_KEY_STORE` for none, and for what is none. */
export function readPemCertificates(text: string, what: string): X509Certificate[] {
  const blocks = text.match(
    /-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----[\s\S]*?-----END [A-Z0-9 ]+-----/g,
  );
  if (blocks === null)
    throw unusable(`${what} holds no certificate. PEM is expected: text with -----BEGIN CERTIFICATE-----.`);
  return blocks.map((block) => readCertificateBytes(block, what));
}

/** Key and certificates, from one text or two. Throws `PORTICO_KEY_STORE`. */
export function readPemEntry(
  cert: { readonly text: string; readonly what: string },
  key: { readonly text: string; readonly what: string },
  password: string | undefined,
): KeyEntry {
  const block = /-----BEGIN ([A-Z0-9 ]*)PRIVATE KEY-----[\s\S]*?-----END \1PRIVATE KEY-----/.exec(key.text);
  if (block === null)
    throw unusable(
      `${key.what} holds no private key. PEM is expected: text with -----BEGIN PRIVATE KEY-----.`,
    );
  if (password === undefined && /ENCRYPTED/.test(block[0]))
    throw unusable(`The key in ${key.what} is encrypted. Give its password.`);
  const certificates = readPemCertificates(cert.text, cert.what);
  return keyEntryOf(readKey({ pem: block[0] }, password, key.what), certificates, cert.what);
}
