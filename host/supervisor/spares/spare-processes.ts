import type { SpareSettings } from '../../config/host-config.js';
import { messageOf } from '../../errors.js';
import type { SpareKind } from '../../instance/messages.js';
import type { ServerLog } from '../../log/server-log.js';
import { usageOf } from '../command/process-tree.js';
import type { DeploymentSpec } from '../deployment-process.js';
import { markOf, type StrayProcesses } from '../stray-processes.js';
import { InstanceFolder } from '../surroundings/instance-folder.js';
import { systemEnvironment } from '../surroundings/process-environment.js';
import { spareMisfit } from './spare-fit.js';
import { SpareProcess } from './spare-process.js';

/** What the pool works with. */
export interface SpareOptions {
  readonly wanted: SpareSettings;
  readonly agentPath: string;
  /** Of the applications that say nothing about it. */
  readonly maxHeapBytes: number;
  readonly runFolder: string;
  readonly nextSocketPath: () => string;
  readonly strays: StrayProcesses;
  /** Instances are starting: that goes first. */
  readonly isBusy: () => boolean;
  /**
   * Between the start of the host, or a spare that was taken, and the start of the next; between two looks whether it is quiet.
   * Default 1000.
   */
  readonly quietMs?: number | undefined;
  readonly log: ServerLog;
}

/** The pool as operators see it. */
export interface SpareStatus {
  readonly wanted: SpareSettings;
  readonly processes: readonly {
    readonly pid: number | undefined;
    readonly kind: SpareKind;
    readonly state: 'starting' | 'ready';
    /** 0 where it is not known. */
    readonly rssBytes: number;
  }[];
  /** Starts of instances since the server began: in a spare, */
  readonly used: number;
  /** in a new process since no spare was there, */
  readonly missed: number;
  /** and since the application cannot use one. */
  readonly unfit: number;
  /** Spares that ended before an application was in them. */
  readonly lost: number;
}

const QUIET_MS = 1000;
/** A host in which something is always starting gets its spares all the same. */
const MAX_LOOKS = 30;
/** After the first that ended by itself; doubles with each further one, up to the longest. */
const RETRY_MS = 1000;
const MAX_RETRY_MS = 60_000;
/** Of what a spare printed before it ended. */
const MAX_OUTPUT = 1000;

/**
 * Processes in which the agent waits for an application, so that a start need not wait for them: each serves one application
 * once. They have no variable, right or folder of any application, nor of the host but what every instance gets. They are
 * started one after the other while nothing else starts. Owned by the supervisor.
 */
export class SpareProcesses {
  readonly #options: SpareOptions;
  readonly #spares = new Set<SpareProcess>();
  readonly #endings = new Set<Promise<void>>();
  readonly #counts = { used: 0, missed: 0, unfit: 0, lost: 0 };
  #timer: NodeJS.Timeout | undefined;
  #looks = 0;
  /** Lost one after the other. */
  #losses = 0;
  #isStopped = false;
  #emptied: () => void = () => undefined;

  constructor(options: SpareOptions) {
    this.#options = options;
    this.#fillIn(this.#options.quietMs ?? QUIET_MS);
  }

  /**
   * One for an application with this environment, which has it from now on; undefined: there is none, or none fits. Counts
   * which.
   */
  take(
    spec: Pick<DeploymentSpec, 'manifest'>,
    kind: SpareKind,
    environment: Readonly<Record<string, string>>,
  ): SpareProcess | undefined {
    const { wanted, maxHeapBytes } = this.#options;
    if (this.#isStopped || wanted.server + wanted.framework === 0) return undefined;
    const start = { maxHeapBytes, environment: systemEnvironment(process.env) };
    if (spareMisfit(spec, environment, start) !== undefined) {
      this.#counts.unfit += 1;
      return undefined;
    }
    const ready = [...this.#spares].filter(({ isReady }) => isReady);
    // A server would carry the framework along for nothing.
    const found =
      ready.find((spare) => spare.kind === kind) ??
      (kind === 'framework' ? ready.find((spare) => spare.kind === 'server') : undefined);
    this.#counts[found === undefined ? 'missed' : 'used'] += 1;
    if (found === undefined) return undefined;
    found.leave();
    this.#drop(found);
    this.#losses = 0;
    this.#fillIn(this.#options.quietMs ?? QUIET_MS);
    return found;
  }

  /** One that was taken ended before the application was in it. */
  countLost(): void {
    this.#counts.lost += 1;
  }

  status(): SpareStatus {
    return {
      wanted: this.#options.wanted,
      processes: [...this.#spares].map(({ process: { pid }, kind, isReady }) => ({
        pid,
        kind,
        state: isReady ? 'ready' : 'starting',
        rssBytes: (pid === undefined ? undefined : usageOf(pid)?.rssBytes) ?? 0,
      })),
      ...this.#counts,
    };
  }

  /** Ends them all; none is taken or started any more. Resolves when they are gone. Harmless when called twice. */
  async stop(): Promise<void> {
    const emptied = new Promise<void>((resolve) => {
      this.#emptied = resolve;
    });
    this.kill();
    if (this.#spares.size > 0) await emptied;
    await Promise.all(this.#endings);
  }

  /** As `stop`, and waits for nothing. */
  kill(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    for (const spare of this.#spares) spare.process.kill();
  }

  #fillIn(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#isStopped || this.#missing() === undefined) return;
    this.#timer = setTimeout(() => this.#fill(), delayMs);
    this.#timer.unref();
  }

  #fill(): void {
    const kind = this.#missing();
    if (kind === undefined) return;
    this.#looks += 1;
    if (this.#looks < MAX_LOOKS && this.#options.isBusy()) {
      this.#fillIn(this.#options.quietMs ?? QUIET_MS);
      return;
    }
    this.#looks = 0;
    try {
      this.#start(kind);
    } catch (error) {
      this.#retry(`could not be started: ${messageOf(error)}`, { kind });
    }
  }

  /** The kind of which there are too few; while one is starting, the others wait. */
  #missing(): SpareKind | undefined {
    const { wanted } = this.#options;
    const spares = [...this.#spares];
    if (spares.some(({ isReady }) => !isReady)) return undefined;
    return (['server', 'framework'] as const).find(
      (kind) => spares.filter((spare) => spare.kind === kind).length < wanted[kind],
    );
  }

  #start(kind: SpareKind): void {
    const { agentPath, maxHeapBytes, nextSocketPath } = this.#options;
    const own = new InstanceFolder(nextSocketPath(), false);
    const start = {
      agentPath,
      maxHeapBytes,
      maxFiles: 0,
      socketPath: own.socketPath,
      // One that is always there, and says nothing about the host.
      folder: '/',
      environment: {
        ...systemEnvironment(process.env),
        NODE_ENV: 'production',
        PORTICO_INSTANCE: this.#markOf(own),
      },
      nodeOptions: [],
      identity: {},
    };
    const spare = new SpareProcess(kind, own, start, {
      ready: () => this.#fillIn(QUIET_MS),
      lost: (lost, reason) => this.#lost(lost, reason),
    });
    this.#spares.add(spare);
  }

  #markOf({ socketPath }: InstanceFolder): string {
    return markOf(this.#options.runFolder, socketPath);
  }

  #lost(spare: SpareProcess, reason: string): void {
    const { child, pid } = spare.process;
    const output = String(child.stderr?.read() ?? '').slice(0, MAX_OUTPUT);
    spare.process.closeStreams();
    const mark = this.#markOf(spare.own);
    const ending = this.#options.strays
      .end((other) => other === mark)
      .finally(() => this.#endings.delete(ending));
    this.#endings.add(ending);
    this.#drop(spare);
    if (this.#isStopped) return;
    if (performance.now() - spare.startedAt > MAX_RETRY_MS) this.#losses = 0;
    this.#retry(reason, { pid, kind: spare.kind, ...(output === '' ? {} : { output }) });
  }

  #retry(reason: string, details: Readonly<Record<string, unknown>>): void {
    const retryInMs = Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** this.#losses);
    this.countLost();
    this.#losses += 1;
    this.#options.log.warn(
      { event: 'spare-lost', ...details, reason, retryInMs },
      `a spare process ${reason}; the next one is started in ${retryInMs / 1000} s`,
    );
    this.#fillIn(retryInMs);
  }

  #drop(spare: SpareProcess): void {
    this.#spares.delete(spare);
    if (this.#spares.size === 0) this.#emptied();
  }
}
