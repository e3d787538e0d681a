import type { ApplicationStatus, Deployments } from '../deployer/application-status.js';
import type { Jobs } from '../deployer/jobs/jobs.js';
import type { Canaries } from '../deployer/live/canaries.js';
import type { OpenRequest } from '../front/messages.js';
import type { EventLog } from '../log/event-log.js';
import type { SpareStatus } from '../supervisor/spares/spare-processes.js';
import type { CertificatesView } from './certificates-view.js';
import type { FrontStatus, TrafficTotals } from './traffic.js';

/** What the admin API shows and steers. Given by the server, so that nothing here depends on how it is done. */
export interface AdminCollaborators {
  readonly deployments: Deployments;
  /** Undefined: there are no canaries. */
  readonly canaries?: Canaries | undefined;
  /** Undefined: there are no scheduled jobs. */
  readonly jobs?: Jobs | undefined;
  readonly server: ServerView;
  readonly events: EventLog;
}

/** The server as the admin API sees it. */
export interface ServerView {
  readonly version: string;
  /** Base folder. */
  readonly base: string;
  readonly startedAt: Date;
  connectors(): readonly ConnectorStatus[];
  fronts(): readonly FrontStatus[];
  /** Fresh counts of all fronts; at most a second's wait. */
  traffic(): Promise<TrafficTotals>;
  /** Requests of one application that have been open for so long, the oldest first; at most a second's wait. */
  openRequests?(wanted: {
    readonly application: string;
    readonly version: string;
    readonly olderThanMs: number;
  }): Promise<{ readonly requests: readonly OpenRequest[]; readonly total: number }>;
  /** Undefined: no connector has TLS, as far as is known. */
  readonly certificates?: CertificatesView;
  /** What readiness is made of. */
  readiness(): Readiness;
  /**
   * Reads `host.yaml` again. Rejects with `PORTICO_CONFIG_INVALID`, `PORTICO_RELOAD_UNAVAILABLE` and `PORTICO_ILLEGAL_STATE`;
   * then nothing has changed.
   */
  reload(): Promise<ReloadResult>;
  /** Processes that wait for an application. */
  spares?(): SpareStatus | undefined;
  /** Undefined: the host cannot stand still. */
  readonly standstill?: Standstill;
  /** Undefined: nothing can be closed for maintenance. */
  readonly maintenance?: MaintenanceView;
  /** Begins to drain and stop; returns at once. */
  stop(): void;
}

/** Ways to take no requests for a while. Each resolves when every front knows. */
export interface Standstill {
  /** Not ready, and 503 for new requests, on every connector; what is in flight goes on. False: serves again. */
  suspend(isSuspended: boolean): Promise<void>;
  /** One connector accepts nothing; its address stays taken. Rejects with `PORTICO_CONNECTOR_UNKNOWN`. */
  pause(connector: string, isPaused: boolean): Promise<void>;
}

/** What is closed for maintenance, by an operator, over restarts too, or by `host.yaml`: 503 with a page of the operator. */
export interface MaintenanceView {
  list(): readonly MaintenanceState[];
  /** What closes this application; of several the widest. Undefined: it is open. */
  of(application: Pick<ApplicationStatus, 'host' | 'path'>): MaintenanceState | undefined;
  /**
   * Also with other words for what is closed already. Rejects with `PORTICO_MAINTENANCE_PAGE` and
   * `PORTICO_VIRTUAL_HOST_UNKNOWN`.
   */
  begin(target: MaintenanceTarget, order: MaintenanceOrder): Promise<void>;
  /** Rejects with `PORTICO_VIRTUAL_HOST_UNKNOWN`, and with `PORTICO_MAINTENANCE_CONFIGURED` where `host.yaml` closes it too. */
  end(target: MaintenanceTarget): Promise<void>;
}

/** What can be closed: one application, with all its versions; one virtual host, by its name or an alias; everything. */
export type MaintenanceTarget =
  | ({ readonly scope: 'application' } & Pick<ApplicationStatus, 'host' | 'path'>)
  | { readonly scope: 'virtual-host'; readonly name: string }
  | { readonly scope: 'host' };

/** How something is closed. */
export interface MaintenanceOrder {
  /** Absolute path of an HTML file. Undefined: a plain page. */
  readonly file: string | undefined;
  /** Default 300. */
  readonly retryAfterSeconds: number | undefined;
}

/** Something that is closed. */
export interface MaintenanceState {
  readonly scope: MaintenanceTarget['scope'];
  /** Of a virtual host, or of an application on one. */
  readonly host?: string;
  /** Of an application. */
  readonly path?: string;
  /** Who has closed it. What both have closed is as the operator said, and closed until neither does. */
  readonly by: 'operator' | 'configuration';
  /** ISO 8601. */
  readonly since: string;
  readonly retryAfterSeconds: number;
  readonly hasPage: boolean;
}

/** What a reload of `host.yaml` has done: keys as in the file, `connectors.http.limits`. */
export interface ReloadResult {
  /** In force now. */
  readonly changed: readonly string[];
  /** Different in the file, and as before here. */
  readonly needsRestart: readonly string[];
}

/** Where a connector really listens. */
export interface ConnectorStatus {
  readonly name: string;
  /** '' where it listens on a Unix socket. */
  readonly host: string;
  /** The real port. 0 where it listens on a Unix socket. */
  readonly port: number;
  /** Path of the Unix socket. */
  readonly socket?: string;
  /** It accepts nothing until it is resumed. */
  readonly isPaused?: boolean;
}

/** What `/health/ready` is made of. */
export interface Readiness {
  /** Every bundle found at the start has been deployed, or has failed. */
  readonly firstPassDone: boolean;
  /** At least one front accepts. */
  readonly listening: boolean;
  readonly draining: boolean;
  /** By an operator. */
  readonly suspended?: boolean;
  /** The whole host answers with a page of maintenance, which is what it is meant to do: it is ready. */
  readonly maintenance?: boolean;
}
