import type { Application } from '../application/application.js';
import type { ApplicationEnvironment } from '../application/environment.js';

/**
 * Feeds calls into one application, which it starts and stops. Raises the events of the application in order: at the
 * start Starting, ModulesLoading, ModulesLoaded, Started, then ServerReady once calls are accepted; at the stop
 * StopPreparing before it stops accepting, then Stopping and Stopped.
 */
export interface ApplicationEngine {
  readonly application: Application;
  readonly environment: ApplicationEnvironment;
  /**
   * Runs the modules and begins to accept calls. With `wait` the promise resolves only when the engine has stopped.
   * Rejects when a module fails; nothing is left open then. A second start is `PORTICO_ENGINE_STATE`.
   */
  start(options?: { readonly wait?: boolean }): Promise<void>;
  /**
   * Stops accepting, lets running calls finish for `graceMs` (default 1000), ends everything within `timeoutMs`
   * (default 5000). Stopping twice is harmless: both wait for the one stop.
   */
  stop(graceMs?: number, timeoutMs?: number): Promise<void>;
  /** Where calls are accepted, ports as they really are. Empty for engines without a socket. Resolves once started. */
  resolvedConnectors(): Promise<readonly EngineConnector[]>;
}

/** An address on which an engine accepts calls. */
export interface EngineConnector {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
}

/** Grace of a stop when nothing is said, in ms. */
export const DEFAULT_GRACE_MS = 1000;
/** Time of a whole stop when nothing is said, in ms. */
export const DEFAULT_STOP_TIMEOUT_MS = 5000;
