import { createHmac, randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { PorticoError } from '../../errors.js';

/** Cost of new hashes: 32 MiB of memory, three passes. */
const COST = { n: 32_768, r: 8, p: 3 } as const;
const HASH_BYTES = 32;
const HASH = /^scrypt\$(\d{1,7})\$(\d{1,2})\$(\d{1,2})\$([\w-]{22,})\$([\w-]{43})$/;

/** Are two secrets equal? Takes the same time wherever they differ. */
export function constantTimeEquals(a: string, b: string): boolean {
  const key = randomBytes(32);
  const digest = (text: string): Buffer => createHmac('sha256', key).update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/** A hash to keep instead of a password: `scrypt$N$r$p$salt$hash`, with a salt of its own. Takes some 0.2 s on purpose. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const { n, r, p } = COST;
  const hash = await derive(password, salt, n, r, p);
  return `scrypt$${n}$${r}$${p}$${salt.toString('base64url')}$${hash.toString('base64url')}`;
}

/**
 * Is it the password of a hash? Without a hash, for a user who does not exist, it is false after the same time, so that
 * nobody learns who exists. A text that `hashPassword` did not make is `PORTICO_PASSWORD_HASH`.
 */
export async function verifyPassword(password: string, hash: string | undefined): Promise<boolean> {
  if (hash === undefined) {
    const { n, r, p } = COST;
    await derive(password, randomBytes(16), n, r, p);
    return false;
  }
  const [, n, r, p, salt = '', expected = ''] = HASH.exec(hash) ?? [];
  if (n === undefined)
    throw new PorticoError(
      'PORTICO_PASSWORD_HASH',
      'A password was compared with something that hashPassword did not make. Store what hashPassword gives.',
    );
  const found = await derive(password, Buffer.from(salt, 'base64url'), Number(n), Number(r), Number(p));
  return timingSafeEqual(found, Buffer.from(expected, 'base64url'));
}

function derive(password: string, salt: Buffer, n: number, r: number, p: number): Promise<Buffer> {
  const options = { N: n, r, p, maxmem: 256 * n * r };
  return new Promise((resolve, reject) => {
    // RFC 8265 §4.2: one password may be written in several ways.
    scrypt(password.normalize('NFC'), salt, HASH_BYTES, options, (error, hash) =>
      error === null ? resolve(hash) : reject(error),
    );
  });
}
