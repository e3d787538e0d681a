import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PorticoError } from '../errors.js';

/** Name of the file in the run folder that holds the token. */
export const ADMIN_TOKEN_FILE = 'admin.token';

/**
 * The token that the admin API asks for: 32 random bytes in hex, made when there is none. The file is readable by
 * its owner alone; where it is not, that is corrected. Throws `PORTICO_ADMIN_TOKEN_INVALID` when the file holds
 * something else, `PORTICO_RUN_FOLDER` when it cannot be read or written.
 */
export function loadAdminToken(runFolder: string): string {
  const file = join(runFolder, ADMIN_TOKEN_FILE);
  try {
    mkdirSync(runFolder, { recursive: true, mode: 0o700 });
    return readToken(file) ?? createToken(file);
  } catch (cause) {
    if (cause instanceof PorticoError) throw cause;
    throw new PorticoError(
      'PORTICO_RUN_FOLDER',
      `The admin token ${file} cannot be read or written. Check the owner and the rights of the run folder.`,
      { cause },
    );
  }
}

/** Compares in a time that does not depend on where they differ, nor on the length of what was sent. */
export function isSameToken(sent: string, token: string): boolean {
  return timingSafeEqual(digest(sent), digest(token));
}

function readToken(file: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cause;
  }
  if (!/^[0-9a-f]{64}$/.test(text)) {
    throw new PorticoError(
      'PORTICO_ADMIN_TOKEN_INVALID',
      `${file} does not hold 64 hexadecimal digits. Delete it; a new one is made at the next start.`,
    );
  }
  if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600);
  return text;
}

function createToken(file: string): string {
  const token = randomBytes(32).toString('hex');
  writeFileSync(file, `${token}\n`, { mode: 0o600, flag: 'wx' });
  return token;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
