import type { Application } from '../application/application.js';
import type { ApplicationEnvironment } from '../application/environment.js';
import type { Events } from '../application/events.js';

/**
 * Feeds calls into one application, which it starts and stops. Raises the events of the application in order: at the
 * start Starting, ModulesLoading, ModulesLoaded, Started, then ServerReady once calls are accepted; at the stop
 * StopPreparing before it stops accepting, then Stopping and Stopped.
 */
export interface ApplicationEngine {
  /**
   * The application; the same from before the start until a reload makes another one. `PORTICO_APPLICATION_NOT_LOADED`
   * after a reload that failed.
   */
  readonly application: Application;
  readonly environment: ApplicationEnvironment;
  /** Events of the application, and of those that a reload makes: subscriptions here outlive a reload. */
  readonly monitor: Events;
  /**
   * Runs the modules and begins to accept calls. With `wait` the promise resolves only when the engine has stopped.
   * Rejects when a module fails; nothing is left open then. A second start is `PORTICO_ENGINE_STATE`.
   */
  start(options?: { readonly wait?: boolean }): Promise<void>;
  /**
   * Stops accepting, lets running calls finish for `graceMs` (default 1000), ends everything within `timeoutMs`
   * (default 5000); the defaults can be set. Stopping twice is harmless: both wait for the one stop.
   */
  stop(graceMs?: number, timeoutMs?: number): Promise<void>;
  /**
   * Ends the application (Stopping, Stopped) and starts a new one with the same modules (Starting to Started); what
   * accepts calls stays open, and calls wait for it: 200 of them, 30 s at most, others get 503. Calls that run get
   * 200 ms to finish. Rejects with the error of the start; until a reload that succeeds calls are answered with 500.
   */
  reload(): Promise<void>;
  /** True when the stop had to cut calls, or anything else, that did not end in time. */
  readonly hasCut?: boolean;
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
