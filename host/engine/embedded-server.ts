import type { Server } from 'node:http';
import { resolve } from 'node:path';
import type { Module } from '../application/application.js';
import {
  applicationEnvironment,
  type ConnectorAddress,
  type EnvironmentSettings,
} from '../application/environment.js';
import type { ConnectorLimits } from '../config/connector-limits.js';
import type { RequestSettings } from '../config/request-settings.js';
import type { ApplicationEngine } from './application-engine.js';
import type { ModuleSource } from './base-engine.js';
import { checkEngine, checkModules, checkSettings } from './check-settings.js';
import { CioApplicationEngine } from './cio/cio-application-engine.js';
import { type ConnectorSettings, completeConnector } from './connector-settings.js';
import { configuredModules, startupSettings } from './modules/configured-modules.js';
import { NodeApplicationEngine } from './node/node-application-engine.js';
import type { EmbeddedModules } from './reload/modules-from.js';
import type { SelfContainedSettings } from './self-contained-engine.js';

/** How an application on its own is served. */
export interface EmbeddedSettings extends Omit<EnvironmentSettings, 'connectors'> {
  /** Of the one connector when `connectors` is not given; default `0.0.0.0`. */
  readonly host?: string | undefined;
  /** As above; default 80; 0 picks a free one, see `resolvedConnectors`. */
  readonly port?: number | undefined;
  /** One or several addresses, with TLS where they say so; `host` and `port` do not count then. All are opened, or none. */
  readonly connectors?: readonly ConnectorSettings[];
  readonly limits?: Partial<ConnectorLimits>;
  /** Strict rules that the application takes over: malformed percent-escapes, TRACE. By default none. */
  readonly request?: Partial<RequestSettings> | undefined;
  /** For all modules together; default `portico.application.startupTimeoutMillis`, else 10 s. */
  readonly startTimeoutMs?: number | undefined;
  /** `concurrent`: all modules at once, interleaved where they wait. Default `portico.application.startup`, else `sequential`. */
  readonly startup?: 'sequential' | 'concurrent' | undefined;
  /** HTTP/2 with TLS, where the client offers it in the handshake; default true. False: no HTTP/2 at all. `CIO` only. */
  readonly enableHttp2?: boolean | undefined;
  /** HTTP/2 without TLS too, for clients that begin with it (prior knowledge); default false. `CIO` only. */
  readonly enableH2c?: boolean | undefined;
  /** Where references in `portico.application.modules` start from; default the working directory. */
  readonly folder?: string | undefined;
  /** Time until an answer has to begin; then 504. Default 0: no limit. */
  readonly responseTimeoutMs?: number | undefined;
  /** Running calls may finish for so long when the server stops; default 1000. */
  readonly shutdownGracePeriodMs?: number | undefined;
  /** Time of the whole stop; default 5000. */
  readonly shutdownTimeoutMs?: number | undefined;
  /** SIGTERM and SIGINT stop the server in order, then the process ends: 0 in order, 1 when calls were cut. Default true. */
  readonly shutdownHook?: boolean;
}

/** Settings of the engine `Node`. */
export interface NodeEmbeddedSettings extends EmbeddedSettings {
  /** Called with each `http.Server` before it listens. */
  readonly configureServer?: (server: Server) => void;
}

/** Makes engines that open their own socket. */
export interface EmbeddedEngine<Settings extends EmbeddedSettings = EmbeddedSettings> {
  readonly name: string;
  create(settings: Settings, modules: readonly Module[] | ModuleSource): ApplicationEngine;
}

/** The engine on Portico's own connector. */
export const CIO: EmbeddedEngine = {
  name: 'CIO',
  create: (settings, modules) => new CioApplicationEngine(engineSettings(settings, modules)),
};

/** The engine on `node:http`. */
export const Node: EmbeddedEngine<NodeEmbeddedSettings> = {
  name: 'Node',
  create: ({ configureServer, ...settings }, modules) =>
    new NodeApplicationEngine({ ...engineSettings(settings, modules), configureServer }),
};

/**
 * Serves an application without the container; the process is the server. Modules that the configuration names
 * (`portico.application.modules`) run before those given here. In development mode a change of a file below
 * `watchPaths` reloads the application at the next request: modules that the configuration or `modulesFrom` names take
 * their new code; a function given as module runs again as it is. What the settings cannot be: `PORTICO_ENGINE_SETTING`.
 *
 * ```ts
 * await embeddedServer(CIO, { port: 8080 }, shopModule).start({ wait: true });
 * ```
 */
export function embeddedServer<Settings extends EmbeddedSettings>(
  engine: EmbeddedEngine<Settings>,
  settings: Settings,
  modules: Module | readonly Module[] | EmbeddedModules = [],
): ApplicationEngine {
  checkEngine(engine);
  checkSettings(settings);
  checkModules(modules);
  const { config } = applicationEnvironment(settings.config === undefined ? {} : { config: settings.config });
  const configured = startupSettings(config);
  const folder = resolve(settings.folder ?? '.');
  const given = (generation: number): readonly Module[] => {
    if (typeof modules === 'function') return [modules];
    return 'modulesOf' in modules ? modules.modulesOf(generation) : modules;
  };
  return engine.create(
    {
      ...settings,
      config,
      startup: settings.startup ?? configured.startup,
      startTimeoutMs: settings.startTimeoutMs ?? configured.startTimeoutMs,
    },
    (generation) => [...configuredModules(config, folder, generation), ...given(generation)],
  );
}

function engineSettings(
  settings: EmbeddedSettings,
  modules: readonly Module[] | ModuleSource,
): SelfContainedSettings {
  const { host, port, connectors: several = [], shutdownHook = true, ...own } = settings;
  const connectors = several.length > 0 ? several : [{ host, port }];
  return {
    environment: applicationEnvironment({ ...own, connectors: connectors.map(addressOf) }),
    modules,
    connectors,
    limits: settings.limits,
    request: settings.request,
    enableHttp2: settings.enableHttp2,
    enableH2c: settings.enableH2c,
    startTimeoutMs: settings.startTimeoutMs,
    startup: settings.startup,
    responseTimeoutMs: settings.responseTimeoutMs,
    shutdownGracePeriodMs: settings.shutdownGracePeriodMs,
    shutdownTimeoutMs: settings.shutdownTimeoutMs,
    shutdownHook,
  };
}

/** What the application itself is told of a connector. */
function addressOf(settings: ConnectorSettings): ConnectorAddress {
  const { host, port, tls } = completeConnector(settings);
  return { scheme: tls === undefined ? 'http' : 'https', host, port };
}
