import { PorticoError } from '../errors.js';
import type { Module } from './application.js';
import { type ApplicationConfig, ObjectConfig } from './application-config.js';
import { Events } from './events.js';
import { ConsoleLog, type Log } from './log.js';

/** What surrounds an application: made by whoever starts it, the same for its whole life. Immutable. */
export interface ApplicationEnvironment {
  readonly log: Log;
  readonly config: ApplicationConfig;
  /**
   * Tells what happens to the application, before what is subscribed at `application.monitor`. Subscribe here before
   * there is one, and to go on hearing of it after a reload. Applications that are given one environment share it.
   */
  readonly monitor: Events;
  /** Where an application on its own is asked to listen. Empty inside the container, which owns the connectors. */
  readonly connectors: readonly ConnectorAddress[];
  /** Modules that belong to the environment; run at the start, before those that the engine is given. */
  readonly modules: readonly Module[];
  /** What is watched for changes in development mode: parts of paths. */
  readonly watchPaths: readonly string[];
  /** Path under which all routes of the application hang: `''` or `/shop`; percent-encoded, without final slash. */
  readonly rootPath: string;
  /**
   * True inside the container: requests arrive without `rootPath`, the container has matched and removed it. False
   * when the application is on its own: requests arrive with it, and routing matches it.
   */
  readonly isRootPathRemoved: boolean;
  /** More help for the developer, less secrecy: error answers name the error. */
  readonly developmentMode: boolean;
}

/** An address that an application asks for; the engine says where it really listens (`resolvedConnectors`). */
export interface ConnectorAddress {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
}

/** What may be said about an environment; the rest has defaults. */
export interface EnvironmentSettings extends Partial<Omit<ApplicationEnvironment, 'config'>> {
  /** A configuration, or the plain objects of one, such as a parsed file. */
  readonly config?: ApplicationConfig | Readonly<Record<string, unknown>>;
}

/**
 * Fills in defaults: console log at `info`, empty configuration, no connectors, modules, watch paths or root path, and
 * no development mode unless `portico.development` of the configuration is true.
 */
export function applicationEnvironment(settings: EnvironmentSettings = {}): ApplicationEnvironment {
  const config = configOf(settings.config ?? {});
  const log = settings.log ?? new ConsoleLog();
  return Object.freeze({
    log,
    config,
    monitor: settings.monitor ?? new Events(log),
    connectors: Object.freeze([...(settings.connectors ?? [])]),
    modules: Object.freeze([...(settings.modules ?? [])]),
    watchPaths: Object.freeze([...(settings.watchPaths ?? [])]),
    rootPath: normalizeRootPath(settings.rootPath ?? ''),
    isRootPathRemoved: settings.isRootPathRemoved ?? false,
    developmentMode:
      settings.developmentMode ?? config.propertyOrNull('portico.development')?.getBoolean() ?? false,
  });
}

function configOf(config: ApplicationConfig | Readonly<Record<string, unknown>>): ApplicationConfig {
  return isConfig(config) ? config : new ObjectConfig(config);
}

function isConfig(
  config: ApplicationConfig | Readonly<Record<string, unknown>>,
): config is ApplicationConfig {
  return typeof (config as { propertyOrNull?: unknown }).propertyOrNull === 'function';
}

/** `shop/`, `/shop` and `shop` are `/shop`; `/` is `''`. */
function normalizeRootPath(path: unknown): string {
  if (typeof path !== 'string')
    throw new PorticoError(
      'PORTICO_ROOT_PATH',
      `The rootPath is ${JSON.stringify(path)}, which is no text. Write a path such as "/shop".`,
    );
  const segments = path.split('/').filter((segment) => segment !== '');
  return segments.length === 0 ? '' : `/${segments.join('/')}`;
}
