import type { Manifest } from '../bundle/manifest.js';
import type { InstanceAddress } from '../front/messages.js';
import type { ApplicationKind, BootStep } from '../instance/messages.js';
import type { Departure } from '../lifecycle/departure.js';
import type { FunctionOrder } from './function-calls.js';
import type { HeapReport } from './heap-report.js';

/** One version of one application that is to run in processes. */
export interface DeploymentSpec {
  /** Unique over the life of the server: `shop##2@4f1c…` plus a serial number. */
  readonly deployment: string;
  /** Base name without version: `shop`, `foo#bar`. */
  readonly application: string;
  readonly version: string;
  /** `''` for ROOT. */
  readonly contextPath: string;
  /** Expanded bundle; absolute. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** It was given up before and is tried once more: the first crash is enough to give it up again. */
  readonly isTrial?: boolean;
  /**
   * Asked of each instance that comes after the first start, in the place of one that ended or as one more, before it gets
   * requests: resolves when it may, rejects when it has not passed, and when the signal says that it is gone. Those of the
   * first start are asked by whoever launches.
   */
  readonly admit?: (address: InstanceAddress, signal: AbortSignal) => Promise<void>;
}

/** The processes of one deployment. Made by `Supervisor.launch`, stopped by whoever launched it. */
export interface DeploymentProcess {
  readonly deployment: string;
  /** Resolves when all instances are ready the first time; rejects with StartFailure. Nothing runs after a rejection. */
  readonly ready: Promise<void>;
  /** Addresses of the instances that can take requests now. */
  addresses(): readonly InstanceAddress[];
  /** The healthy ones of the servers elsewhere that answer for this deployment; absent where it runs in processes. */
  upstreams?(): readonly string[];
  status(): readonly InstanceStatus[];
  /** What the application turned out to be; undefined before `ready`. */
  kind?(): ApplicationKind | undefined;
  /** Last lines of standard output and error, oldest first, newest last. */
  lastOutput(): readonly string[];
  /** Called after `ready` on each change: an instance lost, back again, or given up (`failed`). */
  onChange(listener: (change: DeploymentChange) => void): void;
  /** A front could not talk to this instance; it is checked, and replaced if it is really gone. */
  suspect(instance: string, reason: string): void;
  /**
   * Nothing new will come, but what is in flight is to finish before `stop`: tells all instances, also those that become
   * ready later, so that their long-lived answers end, and why. Not to be taken back; the first call counts.
   */
  prepareStop?(departure: Departure): void;
  /**
   * Calls a function of the application in one of its instances, once, whatever becomes of it. Resolves with what it gave, as
   * text; rejects with `PORTICO_JOB_FAILED`. Absent where there are no functions.
   */
  runFunction?(order: FunctionOrder): Promise<string>;
  /** Graceful stop, SIGKILL at the deadline. Resolves when no process is left. Harmless when called twice. */
  stop(): Promise<void>;
}

/** What happened to a deployment after its start. */
export type DeploymentChange =
  | { readonly kind: 'addresses' }
  /** Crashed; the next start is in `retryInMs`. */
  | {
      readonly kind: 'restarting';
      readonly instance: string;
      readonly reason: string;
      readonly retryInMs: number;
    }
  /** Crashed too often; given up until started again by hand or redeployed. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** The application has asked to be stopped. Nothing has changed yet. */
  | { readonly kind: 'stop-requested' };

/** One place of a deployment as operators see it. The values in bytes are those of the process that runs there now. */
export interface InstanceStatus {
  readonly instance: string;
  readonly pid: number | undefined;
  readonly state: 'starting' | 'running' | 'waiting' | 'stopping' | 'stopped' | 'failed';
  readonly restarts: number;
  readonly startedAt: string | undefined;
  /** Its process waited as a spare before. */
  readonly isFromSpare?: boolean;
  readonly rssBytes: number;
  readonly heapUsedBytes: number;
  readonly cpuSeconds: number;
  readonly utilization: number;
  /** How the last process of this place ended; absent while none has, and after a stop. */
  readonly lastCrash?: InstanceCrash;
  /** When the next start is tried; absent while a process is there, and when none will be. ISO 8601. */
  readonly retryAt?: string;
}

/** The end of a process that nobody had asked for. */
export interface InstanceCrash {
  readonly instance: string;
  /** ISO 8601. */
  readonly at: string;
  /** In words that continue "the process …": `exited with code 1`. */
  readonly reason: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** What its blocked event loop was doing, innermost first; it was killed for it. */
  readonly stack?: readonly string[];
  /** Its heap was full. */
  readonly heap?: HeapReport;
  /** What the deployment had printed last, its other instances included; oldest first. */
  readonly lastOutput: readonly string[];
}

/** Why a deployment did not start: step, cause, place and the last lines it printed. */
export interface StartFailureDetail {
  readonly step: BootStep | 'spawn' | 'timeout' | 'exit';
  readonly message: string;
  readonly stack: string;
  /** The folder it ran in, to which places in message and stack belong; undefined: that of the bundle in the store. */
  readonly folder?: string | undefined;
  readonly lastOutput: readonly string[];
}

/** The newest of the crashes that these places tell. */
export function lastCrashOf(places: readonly InstanceStatus[]): InstanceCrash | undefined {
  const crashes = places.flatMap(({ lastCrash }) => (lastCrash === undefined ? [] : [lastCrash]));
  return crashes.sort((left, right) => (left.at < right.at ? -1 : 1)).at(-1);
}
