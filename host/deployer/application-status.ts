import type { InstanceCrash, InstanceStatus } from '../supervisor/deployment-process.js';
import type { DeploymentView } from './history/deployment-view.js';
import type { Foreseen } from './plan/foresee.js';

/** State of a context, for list, status, admin API and the welcome page. */
export type ContextState =
  | 'starting'
  | 'running'
  | 'restarting'
  | 'draining'
  | 'stopped'
  | 'failed'
  | 'removing';

/** One deployed application as operators see it. Nothing secret is in here. */
export interface ApplicationStatus {
  /** Base name of the bundle with version: `shop`, `foo#bar##2`. */
  readonly name: string;
  /** Virtual host: its name, `*` for every one; absent for the default host when that has no name. */
  readonly host?: string;
  /** `/` for ROOT, `/foo/bar` otherwise. */
  readonly path: string;
  readonly version: string;
  readonly state: ContextState;
  /** `framework`, `server`, `program`, `static`, `upstream`, `redirect`; undefined before it was known. */
  readonly kind: string | undefined;
  /** What went wrong, in words; undefined when nothing did. */
  readonly reason: string | undefined;
  /** When a newer version of the bundle could not be taken, why; the running one goes on. */
  readonly pendingFailure: string | undefined;
  readonly lastOutput: readonly string[];
  readonly instances: readonly InstanceStatus[];
  /** Of what was given up: how an instance ended last. */
  readonly lastCrash?: InstanceCrash;
  /** Of what was given up: when one start is tried again, ISO 8601. */
  readonly retryAt?: string;
  readonly bundle: string;
  readonly fingerprint: string | undefined;
  readonly deployedAt: string | undefined;
  /** While several versions of its context are live. */
  readonly live?: LiveStatus;
  /** Number of the deployment that was rolled back to; absent: what serves is what lies in the drop folder. */
  readonly rolledBackTo?: number;
  /** Closed for maintenance, by itself or with more; said by the admin API alone. Its state is that of its processes. */
  readonly maintenance?: 'application' | 'virtual-host' | 'host';
  /** It is `required`, and neither answers nor would at its first request: the host is not ready. */
  readonly isMissed?: boolean;
}

/** A version beside others that are live. Counts are those of this deployment since it began. */
export interface LiveStatus {
  /** `active`: serves new clients; `old`: only the clients it has; `canary`: a share of the new ones; `shadow`: copies. */
  readonly role: 'active' | 'old' | 'canary' | 'shadow';
  /** Percent of the new clients. */
  readonly share: number;
  /** Why it is live, in words. */
  readonly why: string;
  readonly requests: number;
  readonly errors: number;
  /** Current values. */
  readonly inFlight: number;
  readonly tunnels: number;
  /** Requests of clients that stay with it. */
  readonly pinned: number;
  /** Copies that were not made, since too many were under way. */
  readonly skipped: number;
}

/** What an operator can do; implemented by the deployer, used by the admin API. */
export interface Deployments {
  list(): readonly ApplicationStatus[];
  /** By `name`, or by path, with the host in front of it if need be: `shop.example/cart`. Undefined when unknown. */
  find(nameOrPath: string): ApplicationStatus | undefined;
  /** Each resolves with the state afterwards; rejects with a PorticoError (`PORTICO_APPLICATION_UNKNOWN`,
   * `PORTICO_APPLICATION_BUSY`, `PORTICO_START_FAILED`, `PORTICO_NOT_REMOVABLE`). */
  start(name: string): Promise<ApplicationStatus>;
  stop(name: string): Promise<ApplicationStatus>;
  /** New processes beside the old ones, swap, drain. */
  reload(name: string): Promise<ApplicationStatus>;
  /**
   * Content that served before serves again, until the files of the drop folder change. `to`: a number of `deployments`, or
   * the beginning of a fingerprint; undefined: the one before. Rejects as the others, and `PORTICO_ROLLBACK_IMPOSSIBLE`.
   */
  rollback(name: string, to?: string): Promise<ApplicationStatus>;
  /** What became of each deployment, newest first. Undefined when nothing is known of the name. */
  deployments(name: string): readonly DeploymentView[] | undefined;
  /** What would happen to each name if the drop folder stayed as it is. Changes nothing. */
  foresee(): Promise<readonly Foreseen[]>;
  /** Drains, stops, and deletes the bundle from the drop folder. */
  undeploy(name: string): Promise<void>;
}
