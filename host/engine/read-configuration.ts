import { resolve } from 'node:path';
import type { ApplicationConfig } from '../application/application-config.js';
import type { Variables } from '../config/interpolate.js';

/**
 * Reads one file of configuration: `.yaml`, `.yml`, `.conf` (HOCON), `.json` or `.properties`, with its substitutions
 * taken from the file itself and from `env` (default `process.env`). The parser is loaded with the first file of a kind.
 * Throws `PORTICO_CONFIG_INVALID` with file, line and path of everything that is wrong, `PORTICO_FILE_UNREADABLE`,
 * `PORTICO_CONFIG_KIND` for another extension.
 *
 * ```ts
 * const config = await readConfiguration('application-test.conf');
 * embeddedServer(CIO, { port: 8080, config }, shopModule);
 * ```
 */
export async function readConfiguration(file: string, env?: Variables): Promise<ApplicationConfig> {
  const { loadConfigurationFile } = await import('./load-configuration.js');
  return loadConfigurationFile(resolve(file), env);
}
