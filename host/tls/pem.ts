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
  if (blocks === null) throw unusable(`${what} ${whyNothing(text, 'CERTIFICATE', 'certificate')}`);
  return blocks.map((block) => readCertificateBytes(block, what));
}

/** Key and certificates, from one text or two. Throws `PORTICO_KEY_STORE`. */
export function readPemEntry(
  cert: { readonly text: string; readonly what: string },
  key: { readonly text: string; readonly what: string },
  password: string | undefined,
): KeyEntry {
  const block = /-----BEGIN ([A-Z0-9 ]*)PRIVATE KEY-----[\s\S]*?-----END \1PRIVATE KEY-----/.exec(key.text);
  if (block === null) throw unusable(`${key.what} ${whyNothing(key.text, 'PRIVATE KEY', 'private key')}`);
  if (password === undefined && /ENCRYPTED/.test(block[0]))
    throw unusable(`The key in ${key.what} is encrypted. Give its password.`);
  const certificates = readPemCertificates(cert.text, cert.what);
  return keyEntryOf(readKey({ pem: block[0] }, password, key.what), certificates, cert.what);
}

/** What a file is, instead of what was looked for. Ends a sentence that begins with its name. */
function whyNothing(text: string, label: string, wanted: string): string {
  if (text.trim() === '') return `is empty. Write the ${wanted} into it, or name another file.`;
  if (new RegExp(`-----BEGIN [A-Z0-9 ]*${label}-----`).test(text))
    return `is cut off: it has -----BEGIN ${label}----- without an end. Copy it anew.`;
  // A sequence of DER.
  if (text.startsWith('\x30\x82') || text.startsWith('\x30\x81'))
    return `holds no ${wanted} in PEM, but DER. Convert it: openssl ${wanted === 'certificate' ? 'x509' : 'pkey'} -inform der -in FILE -out FILE.pem.`;
  const other = /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(text)?.[1];
  const hint = other === undefined ? '' : `; it holds a block "${other}"`;
  return `holds no ${wanted}${hint}. PEM is expected: text with -----BEGIN ${label}-----.`;
}
