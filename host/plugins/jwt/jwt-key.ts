import { createPublicKey, createSecretKey, KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { messageOf, PorticoError } from '../../errors.js';
import { type KeySetTimes, remoteKeySet } from './remote-key-set.js';

/** What signatures are checked with; exactly one of these. */
export type JwtKey =
  /** Shared secret for HS…; at least as long as the hash: 32 bytes for HS256 (RFC 7518 §3.2). Texts are UTF-8. */
  | { readonly secret: string | Uint8Array }
  /** Public key as PEM, or as a key object of Node. */
  | { readonly publicKey: string | KeyObject }
  /** A JSON Web Key Set (RFC 7517), or a file with one, which is read once. */
  | { readonly jwks: JSONWebKeySet }
  | { readonly jwksFile: string }
  | JwksUrl;

/** A key set of the issuer. */
export interface JwksUrl extends KeySetTimes {
  /** `https`, or `http` on this machine. At most 1 MiB is read from it. */
  readonly jwksUrl: string | URL;
}

/** Algorithms for a shared secret, with the bytes that it must have (RFC 7518 §3.2). */
const SECRET_BYTES: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 };
const RSA: readonly string[] = ['RS256', 'RS384', 'RS512'];
const RSA_PSS: readonly string[] = ['PS256', 'PS384', 'PS512'];
const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};
const EDWARDS: readonly string[] = ['EdDSA', 'Ed25519'];
const PUBLIC_ALGORITHMS: readonly string[] = [...RSA, ...RSA_PSS, ...Object.values(CURVES), ...EDWARDS];
const MIN_RSA_BITS = 2048;

/** A key that tokens can be checked with. */
export interface PreparedKey {
  /** The algorithms that are accepted. */
  readonly algorithms: readonly string[];
  /** Finds the key for a token. `PORTICO_JWT_KEY_SET` when the key set of the issuer cannot be got. */
  readonly find: JWTVerifyGetKey;
}

/**
 * Checks a key and the algorithms that are wanted with it, by default all that it is made for. Keys that cannot be used
 * are `PORTICO_JWT_KEY`. An algorithm for secrets with a public key, or the other way round, would let anybody who knows
 * the public key sign (RFC 8725 §2.1); that, and `none`, is `PORTICO_JWT_ALGORITHM`.
 */
export function prepareKey(key: JwtKey, wanted: readonly string[] | undefined): PreparedKey {
  if ('secret' in key) {
    const algorithms = accepted(Object.keys(SECRET_BYTES), wanted ?? ['HS256']);
    return { algorithms, find: constant(secretKey(key.secret, algorithms)) };
  }
  if ('publicKey' in key) {
    const made = publicKey(key.publicKey);
    const possible = algorithmsOf(made);
    return { algorithms: accepted(possible, wanted ?? possible), find: constant(made) };
  }
  const algorithms = accepted(PUBLIC_ALGORITHMS, wanted ?? PUBLIC_ALGORITHMS);
  return { algorithms, find: keySetFinder(key) };
}

function accepted(possible: readonly string[], algorithms: readonly string[]): readonly string[] {
  const wrong = algorithms.find((algorithm) => !possible.includes(algorithm));
  if (wrong === undefined && algorithms.length > 0) return algorithms;
  throw new PorticoError(
    'PORTICO_JWT_ALGORITHM',
    `The algorithm ${wrong ?? '(none at all)'} cannot be used with this key. Use some of ${possible.join(', ')}.`,
  );
}

/** RFC 7518 §3.1, RFC 8037 §3.1: each is for one kind of key. */
function algorithmsOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): readonly string[] {
  const curve = CURVES[asymmetricKeyDetails?.namedCurve ?? ''];
  if (asymmetricKeyType === 'rsa') return [...RSA, ...RSA_PSS];
  if (asymmetricKeyType === 'rsa-pss') return RSA_PSS;
  if (asymmetricKeyType === 'ec' && curve !== undefined) return [curve];
  if (asymmetricKeyType === 'ed25519') return EDWARDS;
  throw badKey(`A public key is of the kind ${asymmetricKeyType}`, 'Use RSA, P-256, P-384, P-521 or Ed25519');
}

function keySetFinder(key: Exclude<JwtKey, { secret: unknown } | { publicKey: unknown }>): JWTVerifyGetKey {
  if ('jwks' in key) return localKeys(key.jwks);
  return 'jwksFile' in key ? localKeys(readKeySet(key.jwksFile)) : remoteKeys(key);
}

function constant(key: KeyObject): JWTVerifyGetKey {
  return () => Promise.resolve(key);
}

function secretKey(secret: string | Uint8Array, algorithms: readonly string[]): KeyObject {
  const bytes = Buffer.from(secret as Uint8Array);
  const needed = Math.max(...algorithms.map((algorithm) => SECRET_BYTES[algorithm] ?? 0));
  if (bytes.length < needed)
    throw badKey(`The secret for JSON Web Tokens has ${bytes.length} bytes`, `Use at least ${needed}`);
  return createSecretKey(bytes);
}

function publicKey(key: string | KeyObject): KeyObject {
  const made = key instanceof KeyObject ? key : readPem(key);
  if (made.type !== 'public') throw badKey(`A ${made.type} key was given as publicKey`, 'Use the public key');
  const bits = made.asymmetricKeyDetails?.modulusLength ?? MIN_RSA_BITS;
  if (bits < MIN_RSA_BITS) throw badKey(`An RSA key has ${bits} bits`, `Use at least ${MIN_RSA_BITS}`);
  return made;
}

function readPem(pem: string): KeyObject {
  try {
    return createPublicKey(pem);
  } catch (cause) {
    throw badKey(
      'The text of publicKey is no key in PEM',
      'It begins with -----BEGIN PUBLIC KEY-----',
      cause,
    );
  }
}

function readKeySet(file: string): JSONWebKeySet {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as JSONWebKeySet;
  } catch (cause) {
    throw badKey(`The key set ${file} cannot be read: ${messageOf(cause)}`, 'Correct path or content', cause);
  }
}

function localKeys(keySet: JSONWebKeySet): JWTVerifyGetKey {
  try {
    return createLocalJWKSet(keySet);
  } catch (cause) {
    throw badKey('A key set is malformed', 'Use an object with keys, a list of JSON Web Keys', cause);
  }
}

function remoteKeys(options: JwksUrl): JWTVerifyGetKey {
  const url = new URL(options.jwksUrl);
  const isLocal = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLocal))
    throw badKey(`The key set ${url.href} could be replaced on its way`, 'Use https');
  return remoteKeySet(url, options);
}

function badKey(what: string, advice: string, cause?: unknown): PorticoError {
  return new PorticoError('PORTICO_JWT_KEY', `${what}. ${advice}.`, { cause });
}
