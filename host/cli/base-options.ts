import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { HostConfig } from '../config/host-config.js';
import { readHostConfig } from '../config/read-host-config.js';
import { PorticoError } from '../errors.js';

/** Options that every command has, as commander gives them. */
export interface BaseOptions {
  readonly base?: string;
  readonly config?: string;
}

/** Options of what prints a result. */
export interface OutputOptions extends BaseOptions {
  /** As JSON, for programs. */
  readonly json?: boolean;
}

/** Options of `start`. */
export interface PortOptions extends BaseOptions {
  readonly port?: number;
  readonly adminPort?: number;
  readonly host?: string;
}

/** Adds `--base` and `--config` to a command. */
export function withBaseOptions(command: Command): Command {
  return command
    .option(
      '-b, --base <folder>',
      'base folder with apps/, logs/, work/, run/ (default: PORTICO_BASE, else here)',
    )
    .option('-c, --config <file>', 'host.yaml (default: host.yaml or deploy/host.yaml of the base folder)');
}

/**
 * Reads the configuration a command works with. Order for the base folder: `--base`, `PORTICO_BASE`, the working
 * directory; for ports: flag, environment, file. Throws `PORTICO_BASE_MISSING`: a slip in the name must not start an
 * empty host somewhere.
 */
export function configOf(options: PortOptions): HostConfig {
  const base = baseOf(options);
  if (statSync(base, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new PorticoError(
      'PORTICO_BASE_MISSING',
      `There is no base folder ${base}. Make one with "portico init ${base}", or name another one with --base.`,
    );
  }
  return readHostConfig({
    base,
    env: process.env,
    file: configFileOf(options, base),
    overrides: { port: options.port, adminPort: options.adminPort, host: options.host },
  });
}

/** The base folder that is meant; it need not be there. */
export function baseOf(options: BaseOptions): string {
  return resolve(options.base ?? process.env['PORTICO_BASE'] ?? '.');
}

/** The file that is read; undefined: there is none, and nobody has named one. */
export function configFileOf(options: BaseOptions, base: string): string | undefined {
  if (options.config !== undefined) return resolve(options.config);
  return [join(base, 'host.yaml'), join(base, 'deploy/host.yaml')].find((file) => existsSync(file));
}

/** A port on the command line. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new InvalidArgumentError('It must be a number from 0 to 65535.');
  return port;
}

/** A number of days on the command line. */
export function parseDays(text: string): number {
  const days = Number(text);
  if (!/^\d{1,4}$/.test(text) || days < 1 || days > 3650)
    throw new InvalidArgumentError('It must be a number from 1 to 3650.');
  return days;
}
