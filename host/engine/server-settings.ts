import type { ApplicationConfig } from '../application/application-config.js';
import type { ApplicationConfigValue } from '../application/config-value.js';
import type { ConnectorLimits } from '../config/connector-limits.js';
import type { RequestSettings } from '../config/request-settings.js';
import { PorticoError } from '../errors.js';
import { MAX_DURATION_MS } from '../units.js';
import { DEFAULT_GRACE_MS, DEFAULT_STOP_TIMEOUT_MS } from './application-engine.js';
import { type CommandLine, pathList } from './command-line.js';
import type { ConnectorSettings } from './connector-settings.js';
import { limitSettings } from './limit-settings.js';
import { sslSettings } from './ssl-settings.js';

/** How an application on its own is served, as command line and configuration say; the command line wins. */
export interface ServerSettings {
  /** `http` where a port is named, then `https` where an sslPort is. */
  readonly connectors: readonly ConnectorSettings[];
  readonly rootPath: string;
  readonly watchPaths: readonly string[];
  /** Strict rules that the application takes over: `portico.deployment.request`. */
  readonly request: RequestSettings;
  /** What `portico.deployment` sets of them. */
  readonly limits: Partial<ConnectorLimits>;
  /** See `SelfContainedSettings`; undefined where nobody says. */
  readonly enableHttp2: boolean | undefined;
  readonly enableH2c: boolean | undefined;
  /** See `EngineSettings.responseTimeoutMs`. */
  readonly responseTimeoutMs: number | undefined;
  /** Default 1000. */
  readonly graceMs: number;
  /** Default 5000. */
  readonly stopTimeoutMs: number;
}

/**
 * Brings both together; `folder` is where files of keys are. Rejects with `PORTICO_PORT_MISSING` when nobody names a port,
 * `PORTICO_PROPERTY_TYPE` with file and line for a value that cannot be taken, and what `sslSettings` throws.
 */
export async function serverSettings(
  commandLine: CommandLine,
  config: ApplicationConfig,
  folder: string,
): Promise<ServerSettings> {
  const deployment = config.config('portico.deployment');
  const sslPort = commandLine.sslPort ?? portOf(deployment.propertyOrNull('sslPort'));
  const port = commandLine.port ?? portOf(deployment.propertyOrNull('port'));
  if (port === undefined && sslPort === undefined)
    throw new PorticoError(
      'PORTICO_PORT_MISSING',
      'Neither port nor sslPort specified. Use the command line option -port=NUMBER, or set portico.deployment.port in application.conf or application.yaml.',
    );
  const host = commandLine.host ?? deployment.propertyOrNull('host')?.getString() ?? '0.0.0.0';
  const watch = deployment.propertyOrNull('watch');
  const graceMs = millis(deployment.propertyOrNull('shutdownGracePeriod')) ?? DEFAULT_GRACE_MS;
  const connectors: ConnectorSettings[] = [];
  if (port !== undefined) connectors.push({ scheme: 'http', host, port });
  if (sslPort !== undefined) {
    const tls = await sslSettings(config, folder, commandLine.sslKeyStore);
    connectors.push({ scheme: 'https', host, port: sslPort, tls });
  }
  return {
    connectors,
    rootPath: commandLine.path ?? deployment.propertyOrNull('rootPath')?.getString() ?? '',
    request: {
      malformedEscapes: refuseOrPass(deployment.propertyOrNull('request.malformedEscapes')),
      trace: refuseOrPass(deployment.propertyOrNull('request.trace')),
    },
    watchPaths:
      commandLine.watch ??
      (watch?.type === 'SINGLE' ? pathList(watch.getString()) : (watch?.getList() ?? [])),
    limits: limitSettings(deployment),
    enableHttp2: deployment.propertyOrNull('enableHttp2')?.getBoolean(),
    enableH2c: deployment.propertyOrNull('enableH2c')?.getBoolean(),
    responseTimeoutMs: millis(deployment.propertyOrNull('responseTimeout')),
    graceMs,
    stopTimeoutMs:
      millis(deployment.propertyOrNull('shutdownTimeout')) ?? Math.max(graceMs, DEFAULT_STOP_TIMEOUT_MS),
  };
}

function portOf(value: ApplicationConfigValue | undefined): number | undefined {
  if (value === undefined) return undefined;
  const port = value.getNumber();
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  const place = value.origin === undefined ? '' : ` (${value.origin})`;
  throw new PorticoError(
    'PORTICO_PROPERTY_TYPE',
    `${value.getString()} is not a port${place}: write a number from 0 to 65535; 0 picks a free one.`,
  );
}

function refuseOrPass(value: ApplicationConfigValue | undefined): 'refuse' | 'pass' {
  const word = value?.getString() ?? 'refuse';
  if (word === 'refuse' || word === 'pass') return word;
  const place = value?.origin === undefined ? '' : ` (${value.origin})`;
  throw new PorticoError(
    'PORTICO_PROPERTY_TYPE',
    `${word} is not a word known here${place}: write refuse or pass.`,
  );
}

/** Milliseconds as a bare number, as Ktor has it, or a duration with its unit. */
function millis(value: ApplicationConfigValue | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value.getString()) ? value.getNumber() : value.getDurationMs();
  if (ms <= MAX_DURATION_MS) return ms;
  const place = value.origin === undefined ? '' : ` (${value.origin})`;
  throw new PorticoError(
    'PORTICO_PROPERTY_TYPE',
    `${value.getString()} is too long a time${place}: write at most ${MAX_DURATION_MS} milliseconds.`,
  );
}
