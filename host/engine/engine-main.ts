import { resolve } from 'node:path';
import type { Module } from '../application/application.js';
import { applicationEnvironment } from '../application/environment.js';
import { ConsoleLog, type Log } from '../application/log.js';
import type { Variables } from '../config/interpolate.js';
import { messageOf, PorticoError } from '../errors.js';
import type { ApplicationEngine } from './application-engine.js';
import { CIO, type EmbeddedEngine } from './embedded-server.js';
import { configuredModules, startupSettings } from './modules/configured-modules.js';

/** What a program may say beside the command line. */
export interface EngineMainOptions {
  /** Folder of the application: its configuration and its modules lie there. Default: the working directory. */
  readonly folder?: string;
  /** Default `process.env`. */
  readonly env?: Variables;
  readonly log?: Log;
  /** Run after those that the configuration names. */
  readonly modules?: readonly Module[];
  /** Default `CIO`. */
  readonly engine?: EmbeddedEngine;
  /** True: no module at all is the error `PORTICO_MODULES_MISSING`. Default false. */
  readonly requiresModules?: boolean;
}

/**
 * Makes and runs a server as command line and configuration say.
 *
 * ```ts
 * import { EngineMain } from 'portico/embedded';
 *
 * await EngineMain.main(process.argv.slice(2));
 * ```
 */
export const EngineMain = { main, createServer } as const;

/** Older name of `EngineMain`. */
export const DevelopmentEngine = EngineMain;

/**
 * The server, not started. Errors: `PORTICO_ARGUMENT_INVALID`, `PORTICO_PORT_MISSING`, `PORTICO_TLS_MISSING`,
 * `PORTICO_KEY_STORE`, `PORTICO_STARTUP_INVALID`, `PORTICO_MODULES_MISSING`, `PORTICO_PROPERTY_TYPE`, and those of
 * `loadConfiguration`. Modules are looked for when it starts.
 */
async function createServer(
  args: readonly string[],
  options: EngineMainOptions = {},
): Promise<ApplicationEngine> {
  return (await prepare(args, options)).engine;
}

/**
 * Starts the server and resolves when it has stopped. The process will exit with 1 when calls were cut. SIGTERM and
 * SIGINT stop it, with the times of `portico.deployment.shutdownGracePeriod` and `shutdownTimeout`.
 */
async function main(args: readonly string[], options: EngineMainOptions = {}): Promise<ApplicationEngine> {
  const { engine, graceMs, stopTimeoutMs } = await prepare(args, options);
  const stop = (): void => {
    // A second signal, whichever it is, ends the process at once.
    process.off('SIGTERM', stop).off('SIGINT', stop);
    engine.stop(graceMs, stopTimeoutMs).then(
      () => {
        if (engine.hasCut === true) process.exitCode = 1;
      },
      (error: unknown) => {
        engine.environment.log.error(`The server could not be stopped: ${messageOf(error)}`, error);
        process.exitCode = 1;
      },
    );
  };
  process.once('SIGTERM', stop).once('SIGINT', stop);
  try {
    await engine.start({ wait: true });
  } finally {
    process.off('SIGTERM', stop).off('SIGINT', stop);
  }
  return engine;
}

async function prepare(args: readonly string[], options: EngineMainOptions) {
  // Reading files is loaded here: who only imports `embeddedServer` does not carry it.
  const { parseCommandLine } = await import('./command-line.js');
  const { loadConfiguration } = await import('./load-configuration.js');
  const { serverSettings } = await import('./server-settings.js');
  const { ENGINE_SETTINGS, settingsAmong } = await import('./ignored-settings.js');
  const folder = resolve(options.folder ?? '.');
  const log = options.log ?? new ConsoleLog();
  const commandLine = parseCommandLine(args);
  for (const flag of commandLine.unknown) log.warn(`${flag} is not an option and has no effect.`);
  const config = await loadConfiguration({ folder, commandLine, env: options.env ?? process.env });
  const { graceMs, stopTimeoutMs, ...settings } = await serverSettings(commandLine, config, folder);
  const { rootPath, watchPaths, ...served } = settings;
  const hasTls = served.connectors.some(({ tls }) => tls !== undefined);
  const ignored = settingsAmong(hasTls ? ENGINE_SETTINGS : [...ENGINE_SETTINGS, 'security.ssl'], config);
  if (ignored.length > 0) log.info(`Not in effect, this engine has no use for them: ${ignored.join(', ')}.`);
  const environment = applicationEnvironment({ log, config, rootPath, watchPaths });
  const modules = (generation: number): readonly Module[] => [
    ...configuredModules(config, folder, generation),
    ...(options.modules ?? []),
  ];
  if (options.requiresModules === true && modules(0).length === 0)
    throw new PorticoError(
      'PORTICO_MODULES_MISSING',
      `The configuration in ${folder} names no module: list them below portico.application.modules, as file#function.`,
    );
  const { startup, startTimeoutMs } = startupSettings(config);
  const engine = (options.engine ?? CIO).create(
    {
      ...environment,
      ...served,
      startup,
      startTimeoutMs,
      shutdownGracePeriodMs: graceMs,
      shutdownTimeoutMs: stopTimeoutMs,
      // `main` listens for the signals itself: it ends when the server has stopped, and the process goes on.
      shutdownHook: false,
    },
    modules,
  );
  return { engine, graceMs, stopTimeoutMs };
}
