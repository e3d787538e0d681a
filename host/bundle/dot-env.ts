import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { readSmallText } from '../config/read-text.js';
import { refuseLinkOut } from './descriptor.js';

/**
 * `.env` of a bundle, by Node's own rules (`--env-file`); undefined when there is none. `PORTICO_…` is the host's to say and is
 * left out, as is `NODE_OPTIONS` of a bundle in a sandbox, since it could open that. Throws ConfigError for a link out of the
 * bundle, PorticoError for a file that is none, is not UTF-8 or has more than 256 KiB.
 */
export function readDotEnv(folder: string, isSandboxed: boolean): Record<string, string> | undefined {
  const file = join(folder, '.env');
  if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return undefined;
  refuseLinkOut(folder, file);
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(parseEnv(readSmallText(file)))) {
    const isOurs = name.startsWith('PORTICO_') || (isSandboxed && name === 'NODE_OPTIONS');
    if (isOurs || value === undefined || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || value.includes('\0'))
      continue;
    variables[name] = value;
  }
  return variables;
}
