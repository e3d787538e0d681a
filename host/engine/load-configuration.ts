import { existsSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { type ApplicationConfig, ObjectConfig } from '../application/application-config.js';
import { MapApplicationConfig } from '../application/map-application-config.js';
import { APPLICATION_FILES, originsOf, readApplicationFile } from '../config/application-file.js';
import { ConfigError } from '../config/config-error.js';
import type { Variables } from '../config/interpolate.js';
import type { CommandLine } from './command-line.js';

/** Where the configuration of an application on its own comes from. */
export interface ConfigurationSources {
  /** Absolute folder of the application. */
  readonly folder: string;
  readonly commandLine: Pick<CommandLine, 'configFiles' | 'properties'>;
  /** For substitutions, and for variables that are named like properties: `portico.deployment.port`. */
  readonly env: Variables;
}

/**
 * Loads the configuration, weakest source first: files in the order they are named (without `-config` the variable
 * `config.file`, else the first of `application.conf`, `.yaml`, `.yml`, `.json`, `.properties` in the folder, else
 * nothing), variables of the environment that begin with `portico.` or `ktor.`, `-P:` of the command line. Throws
 * ConfigError `PORTICO_CONFIG_INVALID` with all problems of a file, or what `readApplicationFile` throws.
 */
export async function loadConfiguration(sources: ConfigurationSources): Promise<ApplicationConfig> {
  const { commandLine, env } = sources;
  let config: ApplicationConfig = new MapApplicationConfig();
  for (const file of filesOf(sources)) config = config.mergeWith(await loadConfigurationFile(file, env));
  const variables = Object.entries(env).flatMap(([name, value]): [string, string][] =>
    value !== undefined && /^(?:portico|ktor)\../.test(name) ? [[name, value]] : [],
  );
  return config
    .mergeWith(new MapApplicationConfig(variables, 'environment'))
    .mergeWith(new MapApplicationConfig(commandLine.properties, 'command line'));
}

/** One file by its absolute path: YAML, HOCON, JSON or `.properties`. */
export async function loadConfigurationFile(
  file: string,
  env: Variables = process.env,
): Promise<ApplicationConfig> {
  const document = await readApplicationFile({ file, variables: env });
  if (document.problems.length > 0) throw new ConfigError('PORTICO_CONFIG_INVALID', document.problems);
  return new ObjectConfig(document.data, originsOf(document));
}

function filesOf({ folder, commandLine, env }: ConfigurationSources): readonly string[] {
  const named = commandLine.configFiles.length > 0 ? commandLine.configFiles : [env['config.file'] ?? ''];
  const files = named.filter((name) => name !== '').map((name) => located(folder, name));
  if (files.length > 0) return files;
  const found = APPLICATION_FILES.map((name) => join(folder, name)).find((file) => existsSync(file));
  return found === undefined ? [] : [found];
}

/** A relative name means the folder of the application, else the working directory. */
function located(folder: string, name: string): string {
  if (isAbsolute(name)) return name;
  const inFolder = join(folder, name);
  return existsSync(inFolder) ? inFolder : resolve(name);
}
