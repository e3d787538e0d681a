import type { ConnectorSettings } from './connector-settings.js';
import type { HealthSettings } from './health-settings.js';
import type { IdleSettings } from './idle-settings.js';
import type { ProcessLimits, ScalingSettings } from './instance-settings.js';
import type { IsolationSettings } from './isolation-settings.js';
import type { LivenessSettings } from './liveness-settings.js';
import type { ConfiguredMaintenance } from './maintenance-settings.js';
import type { QueueThemes } from './queue-settings.js';
import type { RedirectConfig } from './redirect-settings.js';
import type { RequestSettings } from './request-settings.js';
import type { ProbationSettings } from './rollout-settings.js';
import type { JobSettings } from './schedule-settings.js';
import type { TlsConfig } from './tls-config.js';
import type { VersionThemes } from './version-settings.js';
import type { VirtualHosts } from './virtual-hosts.js';

/**
 * `host.yaml`, read, checked and with every default filled in. Durations are milliseconds, sizes bytes; in the file
 * they carry units (`30s`, `10MiB`). Folders are absolute.
 */
export interface HostConfig {
  /** File this was read from; undefined when the defaults alone are in force. */
  readonly file: string | undefined;
  /** The base folder; relative paths of the file are relative to it. */
  readonly base: string;
  readonly folders: {
    /** `apps`: the drop folder. */
    readonly apps: string;
    /** `logs`: access log, server log, output of the applications. */
    readonly logs: string;
    /** `work`: expanded bundles, journal. May be deleted while the host is stopped. */
    readonly work: string;
    /** `run`: pid file, admin token, exchange sockets. Mode 0700. */
    readonly run: string;
  };
  /** Listening addresses; at least one. Default: one named `http` on 0.0.0.0:8080. */
  readonly connectors: readonly ConnectorConfig[];
  /** Front processes that share the connectors. Default 1; `auto` of the file is one for every two processors. */
  readonly fronts: number;
  /** `hosts`, `defaultHost`, `unknownHost`. Undefined: none are configured, one host answers for every name. */
  readonly virtualHosts?: VirtualHosts | undefined;
  /** `maintenance` of the file and of its hosts. Undefined: nothing is closed. */
  readonly maintenance?: ConfiguredMaintenance | undefined;
  /** Default: 127.0.0.1:9090. */
  readonly admin: { readonly host: string; readonly port: number };
  readonly deployer: {
    /** Time between two polls of the drop folder; changes are noticed earlier by watching. Default 2s. */
    readonly scanIntervalMs: number;
    /** A bundle is taken when it has not changed for this long. Default 1s. */
    readonly stabilityWindowMs: number;
    /** Applications started at the same time. Default 4. */
    readonly maxParallelStarts: number;
  };
  readonly supervisor?: {
    /** Processes of all applications beyond which none is added because of load. Default 128. */
    readonly maxInstances: number;
    /** Default: none. */
    readonly spares?: SpareSettings;
  };
  /** Limits of what an archive may expand to. */
  readonly archives: ArchiveLimits;
  /** Defaults of every application; `servlet:` of a descriptor overrides them one by one. */
  readonly applications: ApplicationSettings;
  readonly accessLog: {
    readonly enabled: boolean;
    readonly format: 'combined' | 'json';
    readonly maxFileBytes: number;
    /** Older files beside the one that is written; at least 1. Default 10. */
    readonly keptFiles: number;
  };
  /** Captured standard output and error of each application. */
  readonly output: {
    readonly maxFileBytes: number;
    /** As above. Default 5. */
    readonly keptFiles: number;
  };
  /** Set by `portico dev`, never by the file: the host of a developer. `only`: the one application it runs. */
  readonly development?: {
    readonly only: string | undefined;
    /** Told each line an application prints. */
    readonly echo: (application: string, line: string) => void;
    /** Where the developer has the bundle, of which an instance runs a copy. */
    readonly folderOf: (application: string) => string;
  };
  /** Total time SIGTERM leaves for in-flight work before the process exits. Default 30s. */
  readonly shutdownTimeoutMs: number;
}

/** One listening address; see `connectors` of `host.yaml`. */
export interface ConnectorConfig extends Omit<ConnectorSettings, 'tls' | 'redirect'> {
  readonly name: string;
  /** '' where the address is no host and port. */
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  /** Undefined: connections are not encrypted. The server makes `ConnectorSettings.tls` of it. */
  readonly tls?: TlsConfig;
  /** A Unix socket instead. */
  readonly socket?: UnixSocketConfig;
  /** The next socket of this name that systemd has passed, instead. */
  readonly systemd?: string;
  /** The server makes `ConnectorSettings.redirect` of it, when it knows the ports. */
  readonly redirect?: RedirectConfig;
}

/** The file of a Unix socket. */
export interface UnixSocketConfig {
  /** Absolute. */
  readonly path: string;
  /** Who may connect needs the right to write. Default 0660. */
  readonly mode: number;
  /** Name or number; undefined: the user of the host. */
  readonly owner: string | undefined;
  readonly group: string | undefined;
}

/** What an archive may expand to. */
export interface ArchiveLimits {
  /** Bytes of all files together. Default 1GiB. */
  readonly maxTotalBytes: number;
  /** Bytes of one file. Default 256MiB. */
  readonly maxFileBytes: number;
  /** Files and folders. Default 50000. */
  readonly maxEntries: number;
  /** Expanded bytes divided by archive bytes, beyond the first 10 MiB expanded. Default 100. */
  readonly maxRatio: number;
  /** Folders below one another. Default 64. */
  readonly maxDepth: number;
}

/** Processes without an application that wait for one. */
export interface SpareSettings {
  /** For any application of Node. Default 0. */
  readonly server: number;
  /** With the framework loaded, for applications on it. Default 0. */
  readonly framework: number;
}

/** What the container does with one application; the `servlet:` section. */
export interface ApplicationSettings extends Partial<VersionThemes>, Partial<QueueThemes> {
  /** `manual`: deployed but not started until someone says so. `lazy`: started by the first request. */
  readonly startWhen: 'eager' | 'lazy' | 'manual';
  /** Default 30s. */
  readonly startTimeoutMs: number;
  /** SIGTERM-like stop until SIGKILL. Default 10s. */
  readonly stopTimeoutMs: number;
  /** How long an old version may finish what it has in flight. Default 30s. */
  readonly drainTimeoutMs: number;
  /** 504 when the application has not begun to answer. 0: never. Default 60s. */
  readonly responseTimeoutMs: number;
  /** Whether the application sees the context path in `req.url`. Default strip. */
  readonly prefix: 'strip' | 'keep';
  /** Processes of one version; with `scaling` the least. Default 1. */
  readonly instances: number;
  /** Clients stay with the instance that answered them first, by a cookie. Default false. */
  readonly isSticky?: boolean;
  /** Undefined: their number is fixed. */
  readonly scaling?: ScalingSettings;
  /** Default: no limits. */
  readonly processLimits?: ProcessLimits;
  /** `--max-old-space-size`. Default 256MiB. */
  readonly maxHeapBytes: number;
  /** Resident size of each process; above it, it is killed and replaced. 0: no limit. Default 1GiB. */
  readonly maxMemoryBytes: number;
  /** Largest request body; 413 beyond it. Default 10MiB; 0: no limit. */
  readonly maxBodyBytes: number;
  /** No heartbeat for this long: the process is killed and replaced. Default 10s. */
  readonly hangTimeoutMs: number;
  /** Two strict rules that an application may take over. Default: both refuse. */
  readonly request: RequestSettings;
  readonly restart: RestartSettings;
  /** When it is stopped since nobody uses it. Default: never. */
  readonly idle?: IdleSettings;
  /** Requests that the host makes by itself. Default: none. */
  readonly schedule?: readonly JobSettings[];
  /** What instances must answer before they get requests. Default: nothing. */
  readonly health: HealthSettings;
  /** Of programs without an agent. */
  readonly liveness?: LivenessSettings;
  readonly probation: ProbationSettings;
  /** Contents kept to go back to, the one that serves included; at least 1. Default 5. */
  readonly history: number;
  /** Applications that are to be up before this one starts. Default: none. */
  readonly dependsOn: readonly string[];
  /** Applications that it may call inside the host; names without version. Default: none. */
  readonly calls?: readonly string[];
  /** The host is not ready while this application is not running. Default false. */
  readonly required: boolean;
  /** Added to the environment of the process. Those that come from files are in `isolation`. */
  readonly env: Readonly<Record<string, string>>;
  readonly isolation: IsolationSettings;
}

/** When a crashed instance is started again. */
export interface RestartSettings {
  /** Delay before the first restart; doubles with each crash in the window, with jitter. Default 500ms. */
  readonly minDelayMs: number;
  /** Default 30s. */
  readonly maxDelayMs: number;
  /** This many crashes within the window make the context `failed`. Default 5. */
  readonly maxCrashes: number;
  /** Default 60s. */
  readonly windowMs: number;
  /** What was given up is tried once more after this time, again and again. 0: never. Default 5m. */
  readonly retryAfterMs?: number;
}
