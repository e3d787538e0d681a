import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { PorticoError } from '../../errors.js';

/** Protects what the client keeps of a session. `write` is applied in the order of the transforms, `read` in reverse. */
export interface SessionTransform {
  write(text: string): string;
  /** Undefined, or throws, when the text did not come from `write`. */
  read(text: string): string | undefined;
}

/** Bytes of a key; texts are taken as UTF-8. Best: 32 random bytes from a secret store. */
export type SecretBytes = string | Uint8Array;

/**
 * Signs with HMAC: `value/hexmac`. The value stays readable for the client, who cannot change it. Of several keys the
 * first one signs, all are accepted, so that keys can be rotated. Give each session a key of its own: what is
 * signed does not say for which session. An empty key is `PORTICO_SESSION_KEY`.
 */
export function signed(
  keys: SecretBytes | readonly SecretBytes[],
  options: AgeOptions & { readonly algorithm?: 'sha256' | 'sha384' | 'sha512' } = {},
): SessionTransform {
  const { algorithm = 'sha256' } = options;
  const all = listOf(keys).map(secretKey);
  const first = firstOf(all);
  const mac = (key: KeyObject, value: string): Buffer => createHmac(algorithm, key).update(value).digest();
  return withAge(options, {
    write: (value) => `${value}/${mac(first, value).toString('hex')}`,
    read(text) {
      const slash = text.lastIndexOf('/');
      const value = text.slice(0, Math.max(0, slash));
      const given = fromHex(text.slice(slash + 1));
      if (slash < 0 || given === undefined) return undefined;
      return all.some((key) => isSame(mac(key, value), given)) ? value : undefined;
    },
  });
}

/** Options of both protections. */
export interface AgeOptions {
  /**
   * So long what was written is accepted, by the clock of this server, whatever the client keeps: the time of writing is
   * put in front of what is protected. Each time the session is sent it begins anew. Sessions that were written without
   * are not accepted, and Ktor does not read those with it. Default: as long as the client keeps it. Not above 0:
   * `PORTICO_SESSION_KEY`.
   */
  readonly maxAgeSeconds?: number;
  /** For tests: milliseconds since the epoch. */
  readonly now?: () => number;
}

/** Puts the time in front of what `inner` protects, and looks at it behind that. */
function withAge({ maxAgeSeconds, now = Date.now }: AgeOptions, inner: SessionTransform): SessionTransform {
  if (maxAgeSeconds === undefined) return inner;
  if (!(maxAgeSeconds > 0)) throw badKey(`maxAgeSeconds is ${maxAgeSeconds}`, 'Give a number above 0');
  return {
    write: (text) => inner.write(`${Math.floor(now() / 1000)}~${text}`),
    read(token) {
      const text = inner.read(token);
      const [head, seconds] = /^(\d{1,12})~/.exec(text ?? '') ?? [];
      if (text === undefined || head === undefined) return undefined;
      const age = now() / 1000 - Number(seconds);
      // Several servers have several clocks.
      return age <= maxAgeSeconds && age >= -CLOCK_SKEW_SECONDS ? text.slice(head.length) : undefined;
    },
  };
}

/** How much the clock of another server may be ahead of ours. */
const CLOCK_SKEW_SECONDS = 300;

/** Two keys for `encrypted`. */
export interface EncryptionKeys {
  /** 16, 24 or 32 bytes: AES-128, -192 or -256. */
  readonly encryptionKey: SecretBytes;
  /** Any length; another one than the first. */
  readonly signKey: SecretBytes;
}

/** Options of `encrypted`. */
export interface EncryptionOptions extends AgeOptions {
  /**
   * Writes and reads what Ktor does, whose MAC does not cover the initialization vector: the first 16 bytes of a session
   * can then be altered by who knows them. Only for sessions that are shared with Ktor. Default false.
   */
  readonly isKtorCompatible?: boolean;
  /** Also reads what old Ktor wrote, with the MAC of the plain text. Default false. */
  readonly readsPlaintextMac?: boolean;
  /** For tests: makes the 16 bytes of the initialization vector. */
  readonly makeIv?: () => Uint8Array;
}

/**
 * Encrypts with AES-CBC, then signs with HMAC-SHA256: `ivhex/cipherhex:machex`. The client can neither read nor change
 * it. Of several pairs of keys the first one writes, all are read. Keys of a wrong length: `PORTICO_SESSION_KEY`.
 */
export function encrypted(
  keys: EncryptionKeys | readonly EncryptionKeys[],
  options: EncryptionOptions = {},
): SessionTransform {
  const all = (Array.isArray(keys) ? (keys as readonly EncryptionKeys[]) : [keys as EncryptionKeys]).map(
    (pair) => new Cipher(pair, options),
  );
  const first = firstOf(all);
  return withAge(options, {
    write: (text) => first.write(text),
    read(text) {
      const [, ivHex, cipherHex, macHex] = /^([^/:]+)\/([^/:]+):([^/:]+)$/.exec(text) ?? [];
      const [iv, cipher, mac] = [ivHex, cipherHex, macHex].map(fromHex);
      if (iv === undefined || cipher === undefined || mac === undefined || iv.length !== IV_BYTES)
        return undefined;
      for (const pair of all) {
        const plain = pair.read(iv, cipher, mac);
        if (plain !== undefined) return plain;
      }
      return undefined;
    },
  });
}

const IV_BYTES = 16;

class Cipher {
  readonly #key: KeyObject;
  readonly #signKey: KeyObject;
  readonly #algorithm: string;
  readonly #options: EncryptionOptions;

  constructor({ encryptionKey, signKey }: EncryptionKeys, options: EncryptionOptions) {
    this.#key = secretKey(encryptionKey);
    this.#signKey = secretKey(signKey);
    this.#options = options;
    const bytes = this.#key.symmetricKeySize ?? 0;
    if (![16, 24, 32].includes(bytes))
      throw badKey(`An encryption key has ${bytes} bytes`, 'Use 16, 24 or 32 bytes');
    this.#algorithm = `aes-${bytes * 8}-cbc`;
  }

  write(text: string): string {
    const iv = Buffer.from(this.#options.makeIv?.() ?? randomBytes(IV_BYTES));
    const cipher = createCipheriv(this.#algorithm, this.#key, iv);
    const bytes = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return `${iv.toString('hex')}/${bytes.toString('hex')}:${this.#mac(iv, bytes).toString('hex')}`;
  }

  read(iv: Buffer, cipher: Buffer, mac: Buffer): string | undefined {
    // Checked before anything is decrypted, so that no answer depends on the padding.
    if (isSame(this.#mac(iv, cipher), mac)) return this.#decrypt(iv, cipher)?.toString('utf8');
    if (this.#options.readsPlaintextMac !== true) return undefined;
    const plain = this.#decrypt(iv, cipher);
    if (plain === undefined) return undefined;
    return isSame(this.#hmac(plain), mac) ? plain.toString('utf8') : undefined;
  }

  #mac(iv: Buffer, cipher: Buffer): Buffer {
    return this.#hmac(...(this.#options.isKtorCompatible === true ? [cipher] : [iv, cipher]));
  }

  #hmac(...parts: readonly Buffer[]): Buffer {
    const hmac = createHmac('sha256', this.#signKey);
    for (const part of parts) hmac.update(part);
    return hmac.digest();
  }

  #decrypt(iv: Buffer, bytes: Buffer): Buffer | undefined {
    try {
      const decipher = createDecipheriv(this.#algorithm, this.#key, iv);
      return Buffer.concat([decipher.update(bytes), decipher.final()]);
    } catch {
      // Wrong padding is an exception of node:crypto; it only says that this is not ours.
      return undefined;
    }
  }
}

function listOf(keys: SecretBytes | readonly SecretBytes[]): readonly SecretBytes[] {
  return typeof keys === 'string' || keys instanceof Uint8Array ? [keys] : keys;
}

function firstOf<T>(all: readonly T[]): T {
  const [first] = all;
  if (first === undefined) throw badKey('A list of keys is empty', 'Give at least one');
  return first;
}

function secretKey(bytes: SecretBytes): KeyObject {
  const buffer = Buffer.from(bytes as Uint8Array);
  if (buffer.length === 0) throw badKey('A key is empty', 'Use 32 random bytes');
  return createSecretKey(buffer);
}

function badKey(what: string, advice: string): PorticoError {
  return new PorticoError('PORTICO_SESSION_KEY', `${what}, so it cannot protect sessions. ${advice}.`);
}

function isSame(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function fromHex(text: string | undefined): Buffer | undefined {
  if (text === undefined || text.length % 2 !== 0 || !/^[0-9a-fA-F]+$/.test(text)) return undefined;
  return Buffer.from(text, 'hex');
}
