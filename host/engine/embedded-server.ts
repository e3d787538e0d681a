import { resolve } from 'node:path';
import type { Module } from '../application/application.js';
import { applicationEnvironment, type EnvironmentSettings } from '../application/environment.js';
import type { ConnectorLimits } from '../config/connector-limits.js';
import type { ApplicationEngine } from './application-engine.js';
import { CioApplicationEngine } from './cio/cio-application-engine.js';
import { configuredModules, startupSettings } from './modules/configured-modules.js';

/** How an application on its own is served. */
export interface EmbeddedSettings extends EnvironmentSettings {
  /** Default: that of the first of `connectors`, else `0.0.0.0`. */
  readonly host?: string | undefined;
  /** Default: that of the first of `connectors`, else 80; 0 picks a free one, see `resolvedConnectors`. */
  readonly port?: number | undefined;
  readonly limits?: Partial<ConnectorLimits>;
  /** For all modules together; default `portico.application.startupTimeoutMillis`, else 10 s. */
  readonly startTimeoutMs?: number | undefined;
  /** `concurrent`: all modules at once, interleaved where they wait. Default `portico.application.startup`, else `sequential`. */
  readonly startup?: 'sequential' | 'concurrent' | undefined;
  /** Where references in `portico.application.modules` start from; default the working directory. */
  readonly folder?: string | undefined;
}

/** Makes engines that open their own socket. */
export interface EmbeddedEngine {
  readonly name: string;
  create(settings: EmbeddedSettings, modules: readonly Module[]): ApplicationEngine;
}

/** The engine on Portico's own connector. */
export const CIO: EmbeddedEngine = {
  name: 'CIO',
  create: ({ host, port, limits, startTimeoutMs, startup, ...settings }, modules) => {
    const environment = applicationEnvironment(settings);
    const [connector] = environment.connectors;
    return new CioApplicationEngine({
      environment,
      modules,
      host: host ?? connector?.host,
      port: port ?? connector?.port,
      limits,
      startTimeoutMs,
      startup,
    });
  },
};

/**
 * Serves an application without the container; the process is the server. Modules that the configuration names
 * (`portico.application.modules`) run before those given here.
 *
 * ```ts
 * await embeddedServer(CIO, { port: 8080 }, shopModule).start({ wait: true });
 * ```
 */
export function embeddedServer(
  engine: EmbeddedEngine,
  settings: EmbeddedSettings,
  modules: Module | readonly Module[] = [],
): ApplicationEngine {
  const { config } = applicationEnvironment(settings);
  const configured = startupSettings(config);
  return engine.create(
    {
      ...settings,
      config,
      startup: settings.startup ?? configured.startup,
      startTimeoutMs: settings.startTimeoutMs ?? configured.startTimeoutMs,
    },
    [
      ...configuredModules(config, resolve(settings.folder ?? '.')),
      ...(typeof modules === 'function' ? [modules] : modules),
    ],
  );
}
