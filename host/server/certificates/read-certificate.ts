import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { CertificateSource, PasswordSource } from '../../config/tls-config.js';
import { messageOf } from '../../errors.js';
import { systemCodeOf } from '../../system-error.js';
import { type CertificateFacts, factsOf, pairOf } from '../../tls/certificate-facts.js';
import { type KeyEntry, unusable } from '../../tls/key-entry.js';
import { readPemCertificates, readPemEntry } from '../../tls/pem.js';
import { readKeyStore } from '../../tls/read-key-store.js';
import type { CertificatePair } from '../../tls/tls-settings.js';
import { signatureOf } from './file-signature.js';

/** A certificate of `host.yaml` with what its files hold now. */
export interface ReadCertificate {
  readonly source: CertificateSource;
  readonly facts: CertificateFacts;
  readonly pair: CertificatePair;
  /** Of its files, as `signatureOf` gives it. */
  readonly signature: string;
}

/**
 * Reads a certificate and its key and checks that they can be used together, whether or not their time is now. Rejects with
 * `PORTICO_KEY_STORE`; the message names the file.
 */
export async function readCertificate(source: CertificateSource, ciphers: string): Promise<ReadCertificate> {
  const file = source.kind === 'pem' ? source.certFile : source.file;
  // Before reading: what changes meanwhile is seen as a change later.
  const signature = await signatureOf(filesOf(source));
  const entry = await readEntry(source);
  const facts = factsOf(entry);
  const pair = pairOf(entry);
  try {
    createSecureContext({ ...pair, ciphers });
  } catch (cause) {
    throw unusable(`OpenSSL does not take the certificate in ${file}: ${messageOf(cause)}.`, cause);
  }
  return { source, facts, pair, signature };
}

/** Authorities of client certificates. Rejects with `PORTICO_KEY_STORE`. */
export async function readTrust(files: readonly string[]): Promise<string[]> {
  const texts: string[] = [];
  for (const file of files) {
    const certificates = readPemCertificates((await readSmall(file)).toString('latin1'), file);
    texts.push(...certificates.map((certificate) => certificate.toString()));
  }
  return texts;
}

/** Every file that a certificate comes from. */
export function filesOf(source: CertificateSource): string[] {
  const passwords = [source.password, source.kind === 'pem' ? undefined : source.keyPassword];
  const files = source.kind === 'pem' ? [source.certFile, source.keyFile] : [source.file];
  return [
    ...files,
    ...passwords.flatMap((given) => (given !== undefined && 'file' in given ? [given.file] : [])),
  ];
}

async function readEntry(source: CertificateSource): Promise<KeyEntry> {
  const password = await readSecret(source.password);
  if (source.kind === 'pem') {
    const { certFile, keyFile } = source;
    const cert = { text: (await readSmall(certFile)).toString('latin1'), what: certFile };
    const key = { text: (await readSmall(keyFile)).toString('latin1'), what: keyFile };
    return readPemEntry(cert, key, password);
  }
  const { file, type, alias } = source;
  const keyPassword = await readSecret(source.keyPassword);
  return readKeyStore(await readSmall(file), { type, alias, password, keyPassword, what: file });
}

/** A password or a key, or the first line of its file. Rejects with `PORTICO_KEY_STORE`. */
export async function readSecret(source: PasswordSource | undefined): Promise<string | undefined> {
  if (source === undefined) return undefined;
  if ('text' in source) return source.text;
  const [line = ''] = (await readSmall(source.file)).toString('utf8').split(/\r?\n/, 1);
  if (line === '')
    throw unusable(`The first line of ${source.file} is empty; a password or key is expected there.`);
  return line;
}

/** Far above any chain with its keys. */
const MAX_FILE_BYTES = 1024 * 1024;

/** Rejects with `PORTICO_KEY_STORE` for what is no file, or larger. */
export async function readSmall(file: string, maxBytes = MAX_FILE_BYTES): Promise<Buffer> {
  try {
    // Reading from a pipe would never end.
    const facts = await stat(file);
    if (!facts.isFile())
      throw unusable(
        `${file} is ${facts.isDirectory() ? 'a folder' : 'a device or pipe'}; a file is expected.`,
      );
    if (facts.size > maxBytes)
      throw unusable(`${file} has ${facts.size} bytes; at most ${maxBytes} are expected of such a file.`);
    return await readFile(file);
  } catch (cause) {
    const code = systemCodeOf(cause);
    if (code === 'PORTICO_KEY_STORE') throw cause;
    throw unusable(`${file} cannot be read: ${whyOf(code) ?? `${messageOf(cause)}.`}`, cause);
  }
}

/** For what happens every day, with what to do. */
function whyOf(code: string | undefined): string | undefined {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return 'it is not there. Put it there, or correct the path.';
    case 'EACCES':
    case 'EPERM':
      return 'this user has no right to. Give the file to the user that the host runs as, with mode 0600, and the right to enter its folders.';
    default:
      return undefined;
  }
}
