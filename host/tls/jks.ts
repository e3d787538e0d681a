import { messageOf } from '../errors.js';
import {
  chooseEntry,
  type KeyEntry,
  keyEntryOf,
  readCertificateBytes,
  readKey,
  unusable,
} from './key-entry.js';

/** What a key store in Java's own format begins with. */
const JKS_MAGIC = 'feedfeed';
/** Of JCEKS, which nobody but Java reads. */
const JCEKS_MAGIC = 'cececece';

/** True for JKS and JCEKS. */
export function isJava(bytes: Buffer): boolean {
  return [JKS_MAGIC, JCEKS_MAGIC].includes(bytes.toString('hex', 0, 4));
}

/** Reads a key store in Java's own format. Throws `PORTICO_KEY_STORE`. */
export async function readJks(
  bytes: Buffer,
  password: string,
  keyPassword: string,
  alias: string | undefined,
  what: string,
): Promise<KeyEntry> {
  if (bytes.toString('hex', 0, 4) === JCEKS_MAGIC)
    throw unusable(
      `${what} is a JCEKS key store. Convert it: keytool -importkeystore -srckeystore FILE -destkeystore keystore.p12 -deststoretype PKCS12.`,
    );
  if (password === '') throw unusable(`${what} is a JKS key store. Give its password.`);
  // Its memory is needed only where there is such a file.
  const { default: jks } = await import('jks-js');
  let parsed: ReturnType<typeof jks.parseJks>;
  try {
    parsed = jks.parseJks(bytes, password);
  } catch (cause) {
    const message = messageOf(cause);
    if (/password/i.test(message))
      throw unusable(
        `The password does not open ${what}. Correct the password, or name the right file.`,
        cause,
      );
    throw unusable(`${what} cannot be read as JKS: ${message}.`, cause);
  }
  const entries = new Map(
    parsed.flatMap((entry) => ('chain' in entry ? [[entry.alias, entry] as const] : [])),
  );
  const { chain, protectedPrivateKey } = chooseEntry(entries, alias, what);
  let pem: string;
  try {
    pem = jks.decrypt(protectedPrivateKey, keyPassword);
  } catch (cause) {
    throw unusable(`The password of the key in ${what} is another one: give "keyPassword".`, cause);
  }
  const certificates = chain.map(({ value }) => readCertificateBytes(value, what));
  return keyEntryOf(readKey({ pem }, undefined, what), certificates, what);
}
