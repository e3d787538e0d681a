import type { Module } from '../application/application.js';
import { applicationEnvironment, type EnvironmentSettings } from '../application/environment.js';
import type { ConnectorLimits } from '../config/connector-limits.js';
import type { ApplicationEngine } from './application-engine.js';
import { CioApplicationEngine } from './cio/cio-application-engine.js';

/** How an application on its own is served. */
export interface EmbeddedSettings extends EnvironmentSettings {
  /** Default `0.0.0.0`. */
  readonly host?: string;
  /** Default 80; 0 picks a free one, see `resolvedConnectors`. */
  readonly port?: number;
  readonly limits?: Partial<ConnectorLimits>;
  /** For all modules together; default 10 s. */
  readonly startTimeoutMs?: number;
}

/** Makes engines that open their own socket. */
export interface EmbeddedEngine {
  readonly name: string;
  create(settings: EmbeddedSettings, modules: readonly Module[]): ApplicationEngine;
}

/** The engine on Portico's own connector. */
export const CIO: EmbeddedEngine = {
  name: 'CIO',
  create: ({ host, port, limits, startTimeoutMs, ...environment }, modules) =>
    new CioApplicationEngine({
      environment: applicationEnvironment(environment),
      modules,
      host,
      port,
      limits,
      startTimeoutMs,
    }),
};

/**
 * Serves an application without the container; the process is the server.
 *
 * ```ts
 * await embeddedServer(CIO, { port: 8080 }, shopModule).start({ wait: true });
 * ```
 */
export function embeddedServer(
  engine: EmbeddedEngine,
  settings: EmbeddedSettings,
  modules: Module | readonly Module[],
): ApplicationEngine {
  return engine.create(settings, typeof modules === 'function' ? [modules] : modules);
}
