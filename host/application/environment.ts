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

/** Fills in defaults: console log at `info`, empty configuration, no root path, no development mode. */
export function applicationEnvironment(
  settings: Partial<ApplicationEnvironment> = {},
): ApplicationEnvironment {
  return {
    log: settings.log ?? new ConsoleLog(),
    config: settings.config ?? new ObjectConfig({}),
    rootPath: normalizeRootPath(settings.rootPath ?? ''),
    isRootPathRemoved: settings.isRootPathRemoved ?? false,
    developmentMode: settings.developmentMode ?? false,
  };
}

/** `shop/`, `/shop` and `shop` are `/shop`; `/` is `''`. */
function normalizeRootPath(path: string): string {
  const segments = path.split('/').filter((segment) => segment !== '');
  return segments.length === 0 ? '' : `/${segments.join('/')}`;
}
