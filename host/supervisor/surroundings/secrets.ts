import { readSmallText } from '../../config/read-text.js';
import { messageOf, PorticoError } from '../../errors.js';

/** Far above any key or password. */
const MAX_BYTES = 64 * 1024;

/**
 * Variables whose values are in files, without the line break at their end. What is read goes into the environment of a process
 * and nowhere else. Throws `PORTICO_SECRET_UNREADABLE`; the message names variable and file, never what is in it.
 */
export function readSecrets(files: Readonly<Record<string, string>>): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, file] of Object.entries(files)) values[name] = readSecret(name, file);
  return values;
}

function readSecret(name: string, file: string): string {
  let text: string;
  try {
    text = readSmallText(file, MAX_BYTES);
  } catch (cause) {
    throw unreadable(name, messageOf(cause), cause);
  }
  if (text.includes('\0')) throw unreadable(name, `${file} contains a NUL character`, undefined);
  return text.replace(/\r?\n$/, '');
}

function unreadable(name: string, why: string, cause: unknown): PorticoError {
  const message = `the value of ${name} cannot be read: ${why}`;
  return new PorticoError('PORTICO_SECRET_UNREADABLE', message, { cause });
}
