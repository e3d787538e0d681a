import { availableParallelism } from 'node:os';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { PorticoError } from '../errors.js';
import { systemCodeOf } from '../system-error.js';
import { applySettings, DEFAULT_APPLICATION_SETTINGS } from './application-settings.js';
import { checkAgainst } from './check-against.js';
import { virtualHostProblems, virtualHostsOf } from './check-virtual-hosts.js';
import { ConfigError, type ConfigPath, type ConfigProblem, formatPlace } from './config-error.js';
import { addressOf, addressProblems } from './connector-address.js';
import { forwardingOf, forwardingProblems } from './connector-forwarding.js';
import type { ConnectorConfig, HostConfig } from './host-config.js';
import { type HostSection, hostSchema } from './host-schema.js';
import { http2Of, http2Problem } from './http2-schema.js';
import type { Variables } from './interpolate.js';
import { configuredMaintenance } from './maintenance-settings.js';
import { readSmallText } from './read-text.js';
import { redirectProblems } from './redirect-schema.js';
import { listenHost } from './setting-types.js';
import { tlsConfigOf } from './tls-config.js';
import { checkTls } from './tls-schema.js';
import { type ConfigDocument, parseConfigDocument } from './yaml-document.js';

/** From where a host is configured. Ports: command line before environment before file before default. */
export interface HostConfigSource {
  /** A file that must exist. Without it `host.yaml` of the base folder is read if it is there, else defaults rule. */
  readonly file?: string | undefined;
  /** The base folder. */
  readonly base: string;
  /** From the command line; port and host are those of the first connector. */
  readonly overrides?:
    | {
        readonly port?: number | undefined;
        readonly adminPort?: number | undefined;
        readonly host?: string | undefined;
      }
    | undefined;
  /** For `${NAME}` in the file, and for PORTICO_PORT and PORTICO_ADMIN_PORT. Usually `process.env`. */
  readonly env: Variables;
}

/**
 * Reads and checks the configuration of the host. Throws ConfigError (`PORTICO_CONFIG_INVALID`) with every problem
 * of the file, each with its place.
 */
export function readHostConfig(source: HostConfigSource): HostConfig {
  const base = resolve(source.base);
  const document = readDocument(source, base);
  const checked = checkAgainst(hostSchema, document);
  const ports = readOverrides(source);
  if (!checked.ok) throw new ConfigError('PORTICO_CONFIG_INVALID', [...checked.problems, ...ports.problems]);
  const closed = configuredMaintenance(checked.value, base, document);
  const { maintenance } = closed;
  const config = { ...assemble(checked.value, base, document, ports), maintenance };
  const problems = [...ports.problems, ...closed.problems, ...crossChecks(config, checked.value, document)];
  if (problems.length > 0) throw new ConfigError('PORTICO_CONFIG_INVALID', problems);
  return config;
}

/** Stands for a file where there is none. */
const DEFAULTS = 'defaults';

function readDocument(source: HostConfigSource, base: string): ConfigDocument {
  const file = source.file === undefined ? join(base, 'host.yaml') : resolve(source.file);
  try {
    return parseConfigDocument(readSmallText(file), file, source.env);
  } catch (error) {
    if (!(error instanceof PorticoError)) throw error;
    const absent = systemCodeOf(error.cause) === 'ENOENT';
    if (absent && source.file === undefined) return parseConfigDocument('{}', DEFAULTS, undefined);
    const problem = {
      file,
      line: undefined,
      column: undefined,
      path: '',
      message: error.message,
      suggestion: undefined,
    };
    throw new ConfigError('PORTICO_CONFIG_INVALID', [problem], { cause: error });
  }
}

interface Overrides {
  readonly port: number | undefined;
  readonly adminPort: number | undefined;
  readonly host: string | undefined;
  readonly problems: readonly ConfigProblem[];
}

function readOverrides(source: HostConfigSource): Overrides {
  const problems: ConfigProblem[] = [];
  const read = (given: number | undefined, flag: string, variable: string): number | undefined => {
    const text = source.env[variable];
    const [value, file, path] =
      given !== undefined ? [given, 'command line', flag] : [text, 'environment', variable];
    if (value === undefined || value === '') return undefined;
    const number = typeof value === 'string' && /^\s*\d{1,6}\s*$/.test(value) ? Number(value) : value;
    if (typeof number === 'number' && Number.isInteger(number) && number >= 0 && number <= 65_535)
      return number;
    const message = `${JSON.stringify(value)} is not a port: write a whole number from 0 to 65535`;
    problems.push({ file, line: undefined, column: undefined, path, message, suggestion: undefined });
    return undefined;
  };
  const port = read(source.overrides?.port, '--port', 'PORTICO_PORT');
  const adminPort = read(source.overrides?.adminPort, '--admin-port', 'PORTICO_ADMIN_PORT');
  const host = source.overrides?.host;
  const checkedHost = listenHost().optional().safeParse(host);
  if (!checkedHost.success) {
    const message = checkedHost.error.issues[0]?.message ?? 'is not a host';
    problems.push({
      file: 'command line',
      line: undefined,
      column: undefined,
      path: '--host',
      message,
      suggestion: undefined,
    });
  }
  return { port, adminPort, host: checkedHost.data, problems };
}

function assemble(
  given: HostSection,
  base: string,
  document: ConfigDocument,
  overrides: Overrides,
): HostConfig {
  const { archives, accessLog, output, deployer } = given;
  const folder = (path: string | undefined, name: string) => resolve(base, path ?? name);
  return {
    file: document.file === DEFAULTS ? undefined : document.file,
    base,
    folders: {
      apps: folder(given.folders.apps, 'apps'),
      logs: folder(given.folders.logs, 'logs'),
      work: folder(given.folders.work, 'work'),
      run: folder(given.folders.run, 'run'),
    },
    connectors: connectorsOf(given, base, document, overrides),
    fronts: given.fronts === 'auto' ? frontsOfThisMachine() : given.fronts,
    virtualHosts: virtualHostsOf(given),
    admin: { host: given.admin.host, port: overrides.adminPort ?? given.admin.port },
    deployer: {
      scanIntervalMs: deployer.scanInterval,
      stabilityWindowMs: deployer.stabilityWindow,
      maxParallelStarts: deployer.maxParallelStarts,
    },
    supervisor: given.supervisor,
    archives: {
      maxTotalBytes: archives.maxTotalSize,
      maxFileBytes: archives.maxFileSize,
      maxEntries: archives.maxEntries,
      maxRatio: archives.maxRatio,
      maxDepth: archives.maxDepth,
    },
    applications: applySettings(DEFAULT_APPLICATION_SETTINGS, given.applications),
    accessLog: {
      enabled: accessLog.enabled,
      format: accessLog.format,
      maxFileBytes: accessLog.maxFileSize,
      keptFiles: accessLog.keptFiles,
    },
    output: { maxFileBytes: output.maxFileSize, keptFiles: output.keptFiles },
    shutdownTimeoutMs: given.shutdownTimeout,
  };
}

/** A front and the applications behind it need about the same for a request. */
function frontsOfThisMachine(): number {
  return Math.min(64, Math.max(1, Math.floor(availableParallelism() / 2)));
}

function connectorsOf(
  given: HostSection,
  base: string,
  document: ConfigDocument,
  overrides: Overrides,
): ConnectorConfig[] {
  const sections = given.connectors ?? hostSchema.parse({ connectors: [{}] }).connectors ?? [];
  // The command line speaks of the first connector that has a port.
  const first = sections.findIndex(({ socket, systemd }) => (socket ?? systemd) === undefined);
  return sections.map(({ limits, tls, http2, ...connector }, index) => ({
    name: connector.name ?? (index === 0 ? 'http' : `http-${index + 1}`),
    ...addressOf(connector, base, index === first ? overrides : undefined),
    limits: {
      maxHeaderBytes: limits.maxHeaderSize,
      maxHeaderCount: limits.maxHeaderCount,
      maxTargetBytes: limits.maxTargetSize,
      headerTimeoutMs: limits.headerTimeout,
      bodyIdleTimeoutMs: limits.bodyIdleTimeout,
      minBodyBytesPerSecond: limits.minBodyRate,
      minReadBytesPerSecond: limits.minReadRate,
      keepAliveTimeoutMs: limits.keepAliveTimeout,
      maxRequestsPerConnection: limits.maxRequestsPerConnection,
      maxConnections: limits.maxConnections,
    },
    ...forwardingOf(connector),
    ...(connector.redirect === undefined ? {} : { redirect: { hosts: undefined, ...connector.redirect } }),
    ...(tls !== undefined && {
      tls: tlsConfigOf(
        tls,
        (path) => resolve(base, path),
        (inner) => formatPlace(document.problem(['connectors', index, 'tls', ...inner], '')),
      ),
    }),
    ...http2Of(http2, tls !== undefined, limits.maxHeaderSize),
  }));
}

/** What no single value shows: two of them do not go together. */
function crossChecks(config: HostConfig, given: HostSection, document: ConfigDocument): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const add = (path: ConfigPath, message: string) => problems.push(document.problem(path, message));
  if (config.connectors.length === 0)
    add(['connectors'], 'the list is empty: at least one connector is needed');
  const { apps, ...others } = config.folders;
  for (const [name, folder] of Object.entries(others)) {
    if (isWithin(apps, folder))
      add(['folders', name], `${folder} lies in the drop folder ${apps} and would be deployed: move it out`);
    if (isWithin(folder, apps) && name !== 'logs')
      add(['folders', name], `${folder} holds the drop folder ${apps}: choose another folder`);
  }
  const listeners: { name: string; host: string; port: number; path: ConfigPath }[] = config.connectors.map(
    (connector, index) => ({
      ...connector,
      path: ['connectors', index],
    }),
  );
  const hasPlainConnector = config.connectors.some(
    ({ tls, socket }) => tls === undefined && socket === undefined,
  );
  given.connectors?.forEach(({ tls }, index) => {
    if (tls !== undefined) checkTls(tls, ['connectors', index, 'tls'], hasPlainConnector, add);
  });
  given.connectors?.forEach(({ limits, http2 }, index) => {
    const problem = http2Problem(http2, limits.maxHeaderSize);
    if (problem !== undefined) add(['connectors', index, 'http2', 'maxHeaderListSize'], problem);
  });
  listeners.forEach((listener, index) => {
    const earlier = listeners.slice(0, index);
    if (earlier.some((other) => other.name === listener.name)) {
      add(
        [...listener.path, 'name'],
        `two connectors are called ${JSON.stringify(listener.name)}: names are unique`,
      );
    }
  });
  problems.push(...addressProblems(given.connectors ?? [], config.connectors, document));
  redirectProblems(config.connectors, add);
  problems.push(...forwardingProblems(given.connectors ?? [], document));
  listeners.push({ name: 'admin', ...config.admin, path: ['admin'] });
  listeners.forEach((listener, index) => {
    const clash = listeners.slice(0, index).find((other) => sharesAddress(other, listener));
    if (clash)
      add(
        [...listener.path, 'port'],
        `port ${listener.port} is already taken by connector ${JSON.stringify(clash.name)}: choose another, or 0 for a free one`,
      );
  });
  problems.push(...virtualHostProblems(given, document));
  const { restart } = config.applications;
  if (restart.minDelayMs > restart.maxDelayMs) {
    add(['applications', 'restart', 'maxDelay'], 'is shorter than minDelay: make it at least as long');
  }
  if (given.applications.shadow !== undefined) {
    add(['applications', 'shadow'], 'is about one version: write it into the descriptor of that');
  }
  if (given.applications.schedule !== undefined) {
    add(
      ['applications', 'schedule'],
      'jobs belong to one application, and all would have these: write them into its descriptor, apps/NAME.yaml or application.yaml',
    );
  }
  return problems;
}

function sharesAddress(a: { host: string; port: number }, b: { host: string; port: number }): boolean {
  const isAny = (host: string) => host === '0.0.0.0' || host === '::';
  return a.port !== 0 && a.port === b.port && (a.host === b.host || isAny(a.host) || isAny(b.host));
}

/** Whether `inner` is `outer` or below it. */
function isWithin(outer: string, inner: string): boolean {
  const path = relative(outer, inner);
  return path === '' || (path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path));
}
