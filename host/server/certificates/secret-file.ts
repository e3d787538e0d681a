import { randomBytes } from 'node:crypto';
import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { PorticoError } from '../../errors.js';
import { systemCodeOf } from '../../system-error.js';

/**
 * Writes a file that its owner alone may read, in one step: nobody ever sees half of it, nor with other rights. Unless
 * it may replace, an existing file stays as it is. Throws `PORTICO_FILE_EXISTS` then, `PORTICO_FILE_UNWRITABLE` when it
 * cannot be written.
 */
export function writeSecretFile(
  file: string,
  text: string,
  { replace }: { readonly replace: boolean },
): void {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.new`;
  try {
    writeFileSync(temporary, text, { mode: 0o600, flag: 'wx' });
    if (replace) renameSync(temporary, file);
    // Unlike a rename, a link never replaces.
    else linkSync(temporary, file);
  } catch (cause) {
    if (systemCodeOf(cause) === 'EEXIST') throw fileExists(file, cause);
    throw new PorticoError(
      'PORTICO_FILE_UNWRITABLE',
      `Cannot write ${file}. Check that its folder is there, and who may write into it.`,
      { cause },
    );
  } finally {
    rmSync(temporary, { force: true });
  }
}

/** The refusal to overwrite. */
export function fileExists(file: string, cause?: unknown): PorticoError {
  return new PorticoError(
    'PORTICO_FILE_EXISTS',
    `${file} is there already. Use --force to replace it, or another folder with --out.`,
    { cause },
  );
}
