import { type ApplicationConfig, ObjectConfig } from './application-config.js';
import { ConsoleLog, type Log } from './log.js';

/** What surrounds an application: made by whoever starts it, the same for its whole life. Immutable. */
export interface ApplicationEnvironment {
  readonly log: Log;
  readonly config: ApplicationConfig;
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

/** What may be said about an environment; the rest has defaults. */
export interface EnvironmentSettings extends Partial<Omit<ApplicationEnvironment, 'config'>> {
  /** A configuration, or the plain objects of one, such as a parsed file. */
  readonly config?: ApplicationConfig | Readonly<Record<string, unknown>>;
}

/** Fills in defaults: console log at `info`, empty configuration, no root path, no development mode. */
export function applicationEnvironment(settings: EnvironmentSettings = {}): ApplicationEnvironment {
  return {
    log: settings.log ?? new ConsoleLog(),
    config: configOf(settings.config ?? {}),
    rootPath: normalizeRootPath(settings.rootPath ?? ''),
    isRootPathRemoved: settings.isRootPathRemoved ?? false,
    developmentMode: settings.developmentMode ?? false,
  };
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
function normalizeRootPath(path: string): string {
  const segments = path.split('/').filter((segment) => segment !== '');
  return segments.length === 0 ? '' : `/${segments.join('/')}`;
}
