import type { ConnectorSettings } from '../config/connector-settings.js';
import type { VirtualHosts } from '../config/virtual-hosts.js';
import type { Closure } from '../runtime/closed-runtime.js';
import type { UpstreamFailures } from '../runtime/upstream/upstream-pool.js';
import type { LineLimits } from '../runtime/waiting-line.js';
import type { CertificateUpdate, StapleChange } from '../tls/tls-settings.js';
import type { DrainReport } from './drains/drain-report.js';
import type { HttpChallengeTokens } from './http-challenges.js';

/**
 * What server and front say to each other over the IPC channel of the front's process. Both ends are our own code;
 * the messages are plain data.
 */

/** Server to front. */
export type FrontCommand =
  /** First message. */
  | { readonly type: 'configure'; readonly settings: FrontSettings }
  /** Comes with the listening socket as handle; sent once per connector. */
  | {
      readonly type: 'listen';
      readonly connector: string;
      readonly settings: ConnectorSettings;
      /** Applications call each other here: key of their proofs, hex. Absent: for clients from outside. */
      readonly callKey?: string;
    }
  /**
   * New settings, the whole of them. Connections of the connectors that are named end behind the request they have, or their
   * next one; those that come are treated by the new settings. In force when a later `report` is answered.
   */
  | {
      readonly type: 'reconfigure';
      readonly settings: FrontSettings;
      readonly connectors: readonly { readonly connector: string; readonly settings: ConnectorSettings }[];
    }
  /** Changes to the mapping, applied as one step; answered by `routes-applied`. */
  | {
      readonly type: 'routes';
      readonly revision: number;
      readonly set: readonly ContextRoute[];
      readonly remove: readonly string[];
    }
  /**
   * New handshakes of a connector use these certificates; connections stay. What cannot be used is reported on stderr
   * and changes nothing. In force when a later `report` is answered.
   */
  | { readonly type: 'certificates'; readonly connector: string; readonly update: CertificateUpdate }
  /** Changes to the answers of responders that a connector staples; without effect where it staples none. */
  | { readonly type: 'staples'; readonly connector: string; readonly changes: readonly StapleChange[] }
  /** As `TlsSettings.ticketKeys`, for all connectors with TLS. */
  | { readonly type: 'ticket-keys'; readonly keys: readonly string[] }
  /** What is answered to certification authorities on connectors without TLS; in force when a later `report` is answered. */
  | { readonly type: 'http-challenges'; readonly tokens: HttpChallengeTokens }
  /** Accept no more connections of a connector; its own end as those of a connector that is replaced. `listen` undoes it. */
  | { readonly type: 'pause'; readonly connector: string }
  /** Connections of all other fronts. */
  | { readonly type: 'open-elsewhere'; readonly open: OpenConnections }
  /** List what is open; answered by `open-requests`. */
  | { readonly type: 'list-open'; readonly id: number; readonly query: OpenRequestQuery }
  /** How the exchanges of a deployment ended that has left the mapping; answered by `drain-report`, when all have or soon. */
  | { readonly type: 'report-drain'; readonly id: number; readonly deployment: string }
  /** Report counts now; answered by `counts`. */
  | { readonly type: 'report'; readonly id: number }
  /** Stop accepting, finish what is in flight, close WebSockets with 1001, cut what is left at the deadline, then say `drained` and exit. */
  | { readonly type: 'drain'; readonly deadlineMs: number };

/** Front to server. */
export type FrontReport =
  /** The front has its code loaded and waits for `configure`. */
  | { readonly type: 'ready' }
  | { readonly type: 'listening'; readonly connector: string }
  | { readonly type: 'routes-applied'; readonly revision: number }
  /** A deployment that is no longer in the mapping has no exchange and no tunnel left. */
  | { readonly type: 'deployment-idle'; readonly deployment: string }
  /** The channel to an instance broke or its handshake failed. The server decides what to do. */
  | {
      readonly type: 'instance-lost';
      readonly instance: string;
      readonly reason: string;
    }
  /** First request for a context whose state is `lazy`. */
  | { readonly type: 'wanted'; readonly context: string }
  /** Requests that servers elsewhere did not answer, or not to the end, since the last such report. */
  | ({ readonly type: 'upstream-failed' } & UpstreamReport)
  /** Everything counted since the last report. Every second, and on `report` (then with its id). */
  | {
      readonly type: 'counts';
      readonly id: number | undefined;
      readonly counts: FrontCounts;
    }
  /** Where fronts share connectors: how many connections this one has, see ConnectionShares. */
  | { readonly type: 'open-connections'; readonly open: OpenConnections }
  /** In answer to `list-open`: the oldest first, and how many there are altogether. */
  | {
      readonly type: 'open-requests';
      readonly id: number;
      readonly requests: readonly OpenRequest[];
      readonly total: number;
    }
  /** In answer to `report-drain`. Undefined: nothing was open. */
  | { readonly type: 'drain-report'; readonly id: number; readonly report: DrainReport | undefined }
  /** The last word: how everything ended that was open, by deployment. Absent: nothing is known. */
  | { readonly type: 'drained'; readonly drains?: readonly (readonly [deployment: string, DrainReport])[] };

/** Which servers of a context failed, and why. */
export interface UpstreamReport {
  readonly context: string;
  readonly application: string;
  readonly failures: readonly UpstreamFailures[];
}

/** A request that is not over yet. */
export interface OpenRequest {
  readonly ageMs: number;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Name of the bundle without version. */
  readonly application: string;
  readonly version: string;
  readonly context: string;
  /** `waiting`: there is no response yet; `answering`: it has begun; `tunnel`: a WebSocket. */
  readonly state: 'waiting' | 'answering' | 'tunnel';
  /** 0 before the response has begun. */
  readonly status: number;
  /** Of the bodies, so far. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Address; of a call the application that calls. */
  readonly client: string;
  readonly connector: string;
}

/** Which of them a front is asked for. */
export interface OpenRequestQuery {
  /** Name of the bundle without version; undefined: whoever answers. */
  readonly application: string | undefined;
  readonly version: string | undefined;
  readonly olderThanMs: number;
  /** Most that are listed. */
  readonly limit: number;
}

/** Connections by connector. */
export type OpenConnections = Readonly<Record<string, number>>;

/** What every front of a host is told by `configure`, and again by `reconfigure`. */
export interface FrontSettings {
  readonly accessLog: AccessLogSettings | undefined;
  /** `Retry-After` of a 503 when the route does not say: no instance is connected. */
  readonly retryAfterSeconds: number;
  /** How long tunnels of a removed deployment get before they are cut; WebSockets are asked to close at once, or by half of it. */
  readonly tunnelCloseMs: number;
  /** There are other fronts on the same connectors. */
  readonly hasSiblings?: boolean;
  /** How many fronts there are. Default 1. */
  readonly fronts?: number;
  /** Nothing is served, on any connector, for any name. */
  readonly closed?: Closure | undefined;
  /** Virtual hosts on which nothing is served, by `ContextRoute.host`. */
  readonly closedHosts?: Readonly<Record<string, Closure>> | undefined;
  /** Undefined: one host answers for every name. */
  readonly virtualHosts?: VirtualHosts | undefined;
}

/** Where and how a front writes its access log. */
export interface AccessLogSettings {
  readonly format: 'combined' | 'json';
  /** Folder of the log files; the front writes `access.log` there. */
  readonly folder: string;
  readonly maxFileBytes: number;
  /** Older files beside the one that is written; at least 1. */
  readonly keptFiles: number;
  /** Several fronts append to the file; one of them, which `rotates`, moves it when it is full. */
  readonly shared?: { readonly rotates: boolean };
}

/** One context: where it is mounted, and how it answers now. */
export interface ContextRoute {
  /**
   * Identity of the context: its path, `''` for ROOT; on another host than the default one with the host in front,
   * `shop.example/cart`. Label of counts and of the access log.
   */
  readonly context: string;
  /** Virtual host: its name, `*` for every one; `''` or absent for the default host. */
  readonly host?: string;
  /** `''` for ROOT, `/foo/bar` otherwise; canonical, percent-encoded. */
  readonly path: string;
  /** Name of the bundle, for logs and metrics. */
  readonly application: string;
  readonly version: string;
  readonly target: RouteTarget;
  readonly maxBodyBytes: number;
  /** Absent: none. */
  readonly limits?: RouteLimits;
  /** Answered instead, as long as it is there; what `target` names stays as it is. */
  readonly closed?: Closure;
  /** Requests the connector refuses unless the application answers for itself; absent: none of them. */
  readonly passes?: { readonly malformedEscapes: boolean; readonly trace: boolean };
}

/** How a context answers. */
export type RouteTarget =
  /** 503 with `Retry-After` and this reason. */
  | {
      readonly kind: 'unavailable';
      readonly state: string;
      readonly reason: string;
      readonly retryAfterSeconds: number;
      /** Requests wait until it answers, instead of being sent away. */
      readonly queue?: LineLimits;
      /** For developers: this page with status 500 instead of 503. */
      readonly page?: { readonly html: string; readonly text: string };
    }
  | {
      readonly kind: 'process';
      readonly deployment: string;
      readonly instances: readonly InstanceAddress[];
      /** `strip`: the application sees the path without the context path. */
      readonly prefix: 'strip' | 'keep';
      /** Answer with 504 when the application has not begun to respond after this time. 0: never. */
      readonly responseTimeoutMs: number;
      /** Requests wait while no instance is connected. */
      readonly queue?: LineLimits;
      /** The application hears of its end and closes its WebSockets by itself: the front gives it half of `tunnelCloseMs`. */
      readonly closesWebSockets?: boolean;
      /** Clients stay with the instance that answered them first. */
      readonly isSticky?: boolean;
    }
  | {
      readonly kind: 'static';
      readonly deployment: string;
      readonly folder: string;
    }
  /** Clients are sent to `to`, with the rest of the path and the query behind it if it `keepsPath`. */
  | {
      readonly kind: 'redirect';
      readonly deployment: string;
      readonly to: string;
      readonly status: number;
      readonly keepsPath: boolean;
    }
  /** Servers elsewhere, of which each can answer for this context; carried by http-proxy. */
  | {
      readonly kind: 'upstream';
      readonly deployment: string;
      readonly urls: readonly string[];
      readonly prefix: 'strip' | 'keep';
      /** As for a process; undefined: 60 s. */
      readonly responseTimeoutMs?: number;
      /** Where requests wait that found nobody there: a program of the host that starts again. Undefined: none waits. */
      readonly queue?: LineLimits;
    }
  | VersionsTarget;

/** Several versions of one context are live; each request is answered by one of them. */
export interface VersionsTarget {
  readonly kind: 'versions';
  /** At least one; one of them has a weight. */
  readonly versions: readonly VersionRoute[];
  /** Cookies by which an application knows its clients; see `Choosable.isVeteran`. */
  readonly sessionCookies?: readonly string[];
  /** Who may ask for a version by header; absent: nobody. */
  readonly preview?: PreviewTarget;
}

/** One of several live versions. */
export interface VersionRoute {
  readonly version: string;
  /** Value of the cookie that keeps a client with it; nobody else can make it up. */
  readonly pin: string;
  /** Its part of the new clients, compared with those of the others. */
  readonly weight: number;
  /** It was there before the others. */
  readonly isVeteran?: boolean;
  /** It gets copies of so many percent of the safe requests that the version `of` answers. */
  readonly shadow?: { readonly of: string; readonly percent: number };
  readonly target: Exclude<RouteTarget, VersionsTarget>;
  readonly maxBodyBytes: number;
  readonly limits?: RouteLimits;
}

/** How much of a deployment is used at a time, by all fronts together. */
export interface RouteLimits {
  /** Requests under way, open tunnels included. Absent: no limit. */
  readonly concurrency?: number;
  /** Where further ones wait for their turn, in each front. */
  readonly queue: LineLimits;
  /** Bytes of response bodies, and of tunnels to their clients. Absent: no limit. */
  readonly outputBytesPerSecond?: number;
}

/** Whoever comes from one of the addresses, or knows the secret. */
export interface PreviewTarget {
  /** Addresses and ranges; `unix` for Unix sockets. */
  readonly addresses: readonly string[];
  /** SHA-256 of the secret, hex. */
  readonly secretHash: string | undefined;
}

/** Where an instance takes requests. */
export interface InstanceAddress {
  /** Identity of the process: `shop##2/1#3` (deployment, number, incarnation). */
  readonly instance: string;
  readonly socketPath: string;
  /**
   * Of a `command`, which speaks HTTP instead of the exchange protocol: its port on 127.0.0.1; 0: it listens on
   * `socketPath`.
   */
  readonly httpPort?: number;
  /** Hex; proves to the instance that the caller is a front of this server, and the other way round. */
  readonly secret: string;
}

/** Context and application of requests that no context answers for, in counts and access log. */
export const UNMAPPED_CONTEXT = '-';

/** Counts since the last report. */
export interface FrontCounts {
  /** Contexts without any change since the last report are left out. */
  readonly contexts: readonly ContextCounts[];
  /** The same by deployment. */
  readonly deployments?: readonly DeploymentCounts[];
  /** Current values, not differences. */
  readonly openConnections: number;
  /** Requests refused before a context was known, and connections cut, by reason: `header-too-large`, `timeout`… */
  readonly refused: Readonly<Record<string, number>>;
  /** Connections ended by a limit, without a fault of their client, by reason. */
  readonly closedByLimit?: Readonly<Record<string, number>>;
  readonly acceptedConnections: number;
  /** Lines of the access log that were lost because the disk did not keep up. */
  readonly droppedLogLines?: number;
  /** Calls of applications. Absent: none. */
  readonly calls?: readonly CallCounts[];
}

/** What one application has called of another, by names without version as fields carry them. */
export interface CallCounts {
  /** `''`: nobody knows who. */
  readonly caller: string;
  /** `''`: none of the caller's list. */
  readonly target: string;
  /** Let through. */
  readonly calls: number;
  /** By `CallRefusal`. */
  readonly refused: Readonly<Record<string, number>>;
  /** The host of the last that was refused; `''` for none. */
  readonly lastRefused: string;
}

/** What was counted for one context. */
export interface ContextCounts {
  readonly context: string;
  readonly application: string;
  /** Finished requests by status class: index 1 is 1xx … 5 is 5xx; index 0: ended without a status. */
  readonly byClass: readonly number[];
  /** Finished requests by latency bucket, not cumulative; bounds are LATENCY_BUCKETS_SECONDS, the last is +Inf. */
  readonly latency: readonly number[];
  readonly latencySumSeconds: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Current values, not differences. */
  readonly inFlight: number;
  readonly tunnels: number;
  /** Of those in flight: wait for the application, or for their turn. Current value. Absent: none. */
  readonly queued?: number;
  /** Requests that met a limit of the application, by `LimitReason`. Absent: none. */
  readonly limited?: Readonly<Record<string, number>>;
}

/** What was counted for one deployment: what it answered, of all contexts and by whichever route. */
export interface DeploymentCounts {
  readonly deployment: string;
  /** Finished requests, tunnels among them, also those whose client left before there was a response. */
  readonly requests: number;
  /** Of these: answered with 5xx, by the application or for it, and responses that the application broke off. */
  readonly errors: number;
  /** Requests of clients that stay with this version by their cookie, or got it. Absent: none. */
  readonly pinned?: number;
  /** Copies of requests that were not made, since too many were under way. Absent: none. */
  readonly skipped?: number;
  /** Current values, not differences. */
  readonly inFlight: number;
  readonly tunnels: number;
}

/** Upper bounds of the latency histogram, in seconds. */
export const LATENCY_BUCKETS_SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;
