import type { ContextName } from '../bundle/context-name.js';
import type { Manifest } from '../bundle/manifest.js';
import type { DeploymentProcess, InstanceCrash } from '../supervisor/deployment-process.js';
import type { DeploymentEntry } from './history/deployment-journal.js';
import type { CandidateSource, DescriptorFile } from './scan/candidate.js';

/** What the deployer is asked to bring to serve. */
export interface Order {
  /** Base name with version. */
  readonly name: string;
  readonly context: ContextName;
  readonly source: Pick<CandidateSource, 'kind' | 'path' | 'problem'>;
  readonly descriptor: DescriptorFile | undefined;
  /** By a ready marker: content that failed before is tried again. */
  readonly isForced: boolean;
  /** It serves at another place until this one does, so nothing older takes its place here. */
  readonly isMove: boolean;
  /** False when a newer order for the name, or its removal, has come in the meantime. */
  readonly isCurrent: () => boolean;
}

/** Content that is expanded, read and checked: fit to be started. Compared by identity. */
export interface Prepared {
  readonly fingerprint: string;
  /** Fingerprint and descriptor in one; equal keys mean nothing has changed. */
  readonly key: string;
  /** Undefined for an application that is only a descriptor. */
  readonly folder: string | undefined;
  readonly manifest: Manifest;
  /** Hash of the operator's descriptor; undefined: it has none. */
  readonly descriptor?: string | undefined;
  /** Things worth a log line. */
  readonly notes: readonly string[];
  /** What becomes of it, in the journal. Each start is a deployment of its own. */
  entry: DeploymentEntry;
}

/** Content that serves or did so, with its processes if it needs any. */
export interface Running {
  readonly deployment: string;
  readonly version: Version;
  readonly prepared: Prepared;
  readonly process: DeploymentProcess | undefined;
  readonly since: string;
  readonly entry: DeploymentEntry;
  /** The fronts send requests to it. Until they have said so, the version is still starting for everybody. */
  isMapped: boolean;
  /** No address is left: why, and when the next try is. */
  trouble: { readonly reason: string; readonly retryInMs: number } | undefined;
  /** The supervisor gave up, with this reason. */
  gaveUp: string | undefined;
  /** What the host itself has it do, jobs; its end waits for these as for requests. Absent: nothing. */
  work?: Set<Promise<unknown>>;
}

/**
 * What is to become of a version. `run`: it serves unless a higher one does; `lazy`: by the first request; `manual`:
 * when someone says so; `held`: an operator stopped it; `failed`: not tried again until its content changes.
 */
export type Wish = 'run' | 'lazy' | 'manual' | 'held' | 'failed';

/** One version of a context: one name in the drop folder. Belongs to its context, which alone changes it. */
export interface Version {
  readonly name: string;
  order: Order;
  wish: Wish;
  prepared: Prepared | undefined;
  /** What it is busy with. */
  activity: 'starting' | 'draining' | 'removing' | undefined;
  /** Why it failed; with the wish `failed`. */
  reason: string | undefined;
  /** Why newer content could not be taken; what runs goes on. */
  pendingFailure: string | undefined;
  /** How an instance ended last when it was given up, and when it is tried again (ISO 8601). */
  lastCrash?: InstanceCrash | undefined;
  retryAt?: string | undefined;
  /** Its next start is a trial, since it was given up before. */
  isTrial?: boolean;
  /** Key of the content that failed last. */
  rejected: string | undefined;
  /** Key of the content of the drop folder when it was last read, whatever serves. */
  dropped: string | undefined;
  lastOutput: readonly string[];
  /** For developers: what is shown for it while it has failed. */
  failurePage: FailurePage | undefined;
}

/** Why a version failed, with stack and source; for a host of developers only. */
export interface FailurePage {
  readonly html: string;
  readonly text: string;
}

/** A version of which nothing is known but the order. */
export function newVersion(order: Order, isHeld: boolean): Version {
  return {
    name: order.name,
    order,
    wish: isHeld ? 'held' : 'run',
    prepared: undefined,
    activity: undefined,
    reason: undefined,
    pendingFailure: undefined,
    rejected: undefined,
    dropped: undefined,
    lastOutput: [],
    failurePage: undefined,
  };
}

/** Whether it may be started, and swapped in when it is the highest. */
export function mayServe({ wish, prepared, activity }: Version): boolean {
  return prepared !== undefined && activity !== 'removing' && (wish === 'run' || wish === 'lazy');
}

/** What freshly read content wishes for itself. */
export function wishOf(prepared: Prepared): Wish {
  const { startWhen } = prepared.manifest.settings;
  return startWhen === 'eager' ? 'run' : startWhen;
}
