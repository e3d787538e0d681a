import { isJava, readJks } from './jks.js';
import type { KeyEntry } from './key-entry.js';
import { isPem, readPemEntry } from './pem.js';
import { readPkcs12 } from './pkcs12.js';

/** How to read a key store. */
export interface KeyStoreOptions {
  /** Default: what its first bytes say. */
  readonly type?: 'pkcs12' | 'jks' | 'pem' | undefined;
  /** Default: the only entry with a key. */
  readonly alias?: string | undefined;
  readonly password?: string | undefined;
  /** Of the key (JKS). Default: `password`. */
  readonly keyPassword?: string | undefined;
  /** Where it comes from, for messages: the path of the file. */
  readonly what: string;
}

/** Reads a file with a certificate and its key: PKCS #12, JKS, or PEM. Throws `PORTICO_KEY_STORE`. */
export async function readKeyStore(bytes: Buffer, options: KeyStoreOptions): Promise<KeyEntry> {
  const { password, keyPassword, alias, what } = options;
  // keytool calls PKCS #12 what it makes today, whatever the name of the file; so the content decides between the two.
  const type = options.type === 'pem' || isPem(bytes) ? 'pem' : isJava(bytes) ? 'jks' : 'pkcs12';
  switch (type) {
    case 'pem': {
      const part = { text: bytes.toString('latin1'), what };
      return readPemEntry(part, part, keyPassword ?? password);
    }
    case 'jks':
      return readJks(bytes, password ?? '', keyPassword ?? password ?? '', alias, what);
    case 'pkcs12':
      return readPkcs12(bytes, password, alias, what);
  }
}
