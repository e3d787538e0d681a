import type { KeyObject, X509Certificate } from 'node:crypto';
import type forgeModule from 'node-forge';
import { messageOf } from '../errors.js';
import {
  chooseEntry,
  type KeyEntry,
  keyEntryOf,
  readCertificateBytes,
  readKey,
  unusable,
} from './key-entry.js';

/**
 * Reads a key store in the format PKCS #12 (`.p12`, `.pfx`; since Java 9 also `keystore.jks` of keytool), also with the
 * old ciphers that OpenSSL 3 refuses. Throws `PORTICO_KEY_STORE`.
 */
export async function readPkcs12(
  bytes: Buffer,
  password: string | undefined,
  alias: string | undefined,
  what: string,
): Promise<KeyEntry> {
  // Its memory is needed only where there is such a file.
  const { default: forge } = await import('node-forge');
  const bags = bagsOf(forge, bytes, password, what);
  const { pkcs8ShroudedKeyBag, keyBag, certBag } = forge.pki.oids;
  const certificates: X509Certificate[] = [];
  const keys = new Map<string, KeyObject>();
  for (const bag of bags) {
    if (bag.type === certBag) {
      certificates.push(readCertificateBytes(derOf(forge, certificateOf(forge, bag)), what));
    } else if (bag.type === pkcs8ShroudedKeyBag || bag.type === keyBag) {
      const key = readKey({ der: derOf(forge, keyOf(forge, bag)) }, undefined, what);
      keys.set(bag.attributes?.friendlyName?.[0] ?? `key ${keys.size + 1}`, key);
    }
  }
  return keyEntryOf(chooseEntry(keys, alias, what), certificates, what);
}

type Forge = typeof forgeModule;
type Bag = forgeModule.pkcs12.Bag & {
  readonly attributes?: { readonly friendlyName?: readonly string[] };
};

function bagsOf(forge: Forge, bytes: Buffer, password: string | undefined, what: string): readonly Bag[] {
  if (bytes.length === 0) throw unusable(`${what} is empty.`);
  let outer: forgeModule.asn1.Asn1;
  try {
    outer = forge.asn1.fromDer(bytes.toString('latin1'));
  } catch (cause) {
    throw unusable(`${what} is no key store: neither PEM nor PKCS #12 nor JKS.`, cause);
  }
  try {
    const store = forge.pkcs12.pkcs12FromAsn1(outer, false, password ?? '');
    return store.safeContents.flatMap(({ safeBags }) => safeBags as Bag[]);
  } catch (cause) {
    const message = messageOf(cause).replace(/\.+$/, '');
    const isLocked = /password|MAC|decrypt/i.test(message);
    if (isLocked && password === undefined)
      throw unusable(`${what} has a password. Give it with "password" or "passwordFile".`, cause);
    if (isLocked)
      throw unusable(
        `The password does not open ${what} (${message}). Correct the password, or name the right file.`,
        cause,
      );
    throw unusable(`${what} cannot be read as PKCS #12: ${message}.`, cause);
  }
}

/**
 * The library reads RSA only; what is of another kind it leaves as it is. What it has read it would write with an
 * algorithm of its own making where RSA was signed by something else; the one within is always right (RFC 5280 §4.1.1.2).
 */
function certificateOf({ asn1: library }: Forge, { cert, asn1 }: Bag): forgeModule.asn1.Asn1 {
  if (!cert) return asn1;
  const { tbsCertificate: signed, signature } = cert as typeof cert & {
    readonly tbsCertificate: forgeModule.asn1.Asn1;
  };
  const parts = signed.value as forgeModule.asn1.Asn1[];
  const algorithm = parts[parts[0]?.tagClass === library.Class.CONTEXT_SPECIFIC ? 2 : 1];
  const { UNIVERSAL } = library.Class;
  const bits = library.create(UNIVERSAL, library.Type.BITSTRING, false, `\0${signature}`);
  return library.create(UNIVERSAL, library.Type.SEQUENCE, true, [signed, algorithm ?? bits, bits]);
}

function keyOf(forge: Forge, { key, asn1 }: Bag): forgeModule.asn1.Asn1 {
  return key
    ? forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(key as forgeModule.pki.rsa.PrivateKey))
    : asn1;
}

function derOf(forge: Forge, value: forgeModule.asn1.Asn1): Buffer {
  return Buffer.from(forge.asn1.toDer(value).getBytes(), 'latin1');
}
