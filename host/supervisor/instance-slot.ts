import { setTimeout as delay } from 'node:timers/promises';
import type { RestartSettings } from '../config/host-config.js';
import { messageOf } from '../errors.js';
import type { Departure } from '../lifecycle/departure.js';
import { acceptsConnections } from './accepts-connections.js';
import type {
  DeploymentSpec,
  InstanceCrash,
  InstanceStatus,
  StartFailureDetail,
} from './deployment-process.js';
import type { InstanceEnd } from './instance-end.js';
import { decideRestart } from './restart-policy.js';
import type { SlotProcess } from './slot-process.js';

/** What one place of a deployment works with. */
export interface SlotOptions {
  /** Spawns the process with this incarnation number, 1 for the first. */
  readonly spawn: (incarnation: number) => SlotProcess;
  /** Called when no process is there and none will come. */
  readonly ended: () => Promise<void> | undefined;
  readonly restart: RestartSettings;
  readonly stopTimeoutMs: number;
  readonly observer: SlotObserver;
  /**
   * What a process that is ready must pass before it takes requests; rejects when it has not. Asked for each process;
   * undefined: nothing now.
   */
  readonly admission?: () => DeploymentSpec['admit'];
  /** The first process is a trial, since the deployment before it was given up: one crash is enough. */
  readonly isTrial?: boolean | undefined;
}

/** Told after the first start only. */
export interface SlotObserver {
  /** An address has gone or come. */
  changed(): void;
  /** A process has ended by itself; what follows is told next. Gives what the deployment printed last. */
  crashed(instance: string, end: InstanceEnd): readonly string[];
  restarting(instance: string, reason: string, retryInMs: number): void;
  /** It is ready, and does not pass the admission so far; it goes on being asked. */
  unhealthy(instance: string, reason: string): void;
  /** `retryInMs`: when one process is tried all the same; undefined: never. */
  gaveUp(instance: string, reason: string, retryInMs: number | undefined): void;
  /** A place that was given up is tried with one process. */
  halfOpen(instance: string): void;
}

/** Times a front may lose a process that looks well, within the window, before it is replaced. */
const MAX_SUSPICIONS = 3;
const SUSPICION_WINDOW_MS = 10_000;
/** For the exit of a process to become known. */
const SETTLE_MS = 100;
/** Before a process that did not pass is asked again, all over. */
const UNHEALTHY_PAUSE_MS = 500;
/** For the socket of an instance to take a connection. */
const PROBE_MS = 2000;

/**
 * One place of a deployment, kept filled: at most one process at a time, a new one after a crash. Owned by the
 * deployment.
 */
export class InstanceSlot {
  readonly #options: SlotOptions;
  #process: SlotProcess | undefined;
  #state: InstanceStatus['state'] = 'starting';
  #instance = '';
  #incarnation = 0;
  #crashTimes: number[] = [];
  #suspicions: number[] = [];
  #endedCpuSeconds = 0;
  #retry: NodeJS.Timeout | undefined;
  /** Milliseconds since 1970. */
  #retryAt: number | undefined;
  /** When the process was started that shows whether the place works again. */
  #trialStartedAt: number | undefined;
  #lastCrash: InstanceCrash | undefined;
  /** What the loop of the present process was doing when it hung. */
  #stack: readonly string[] | undefined;
  /** It was told that nothing new will come, and this reason. */
  #departure: Departure | undefined;

  constructor(options: SlotOptions) {
    this.#options = options;
    if (options.isTrial === true) this.#trialStartedAt = performance.now();
  }

  /** The first start. Resolves with undefined when ready, with what went wrong otherwise; then nothing runs. */
  async start(): Promise<Omit<StartFailureDetail, 'lastOutput'> | undefined> {
    const { process, admitted } = this.#spawn();
    if (await admitted) return undefined;
    const { failure, reason } = await process.gone;
    if (!this.#isStopped()) this.#state = 'failed';
    return failure ?? { step: 'exit', message: `The process ${reason}.`, stack: '' };
  }

  /** The process that can take requests; undefined when there is none now. */
  get running(): SlotProcess | undefined {
    return this.#state === 'running' && this.#process?.hasExited === false ? this.#process : undefined;
  }

  /** The process that is there, whatever it does. */
  get process(): SlotProcess | undefined {
    return this.#process;
  }

  get instance(): string {
    return this.#instance;
  }

  get hasGivenUp(): boolean {
    return this.#state === 'failed';
  }

  status(): InstanceStatus {
    const stats = this.#process?.stats;
    return {
      instance: this.#instance,
      pid: this.#process?.pid,
      state: this.#state,
      restarts: Math.max(0, this.#incarnation - 1),
      startedAt: this.#process?.startedAt,
      ...(this.#process?.isFromSpare === true ? { isFromSpare: true } : {}),
      rssBytes: stats?.rssBytes ?? 0,
      heapUsedBytes: stats?.heapUsedBytes ?? 0,
      cpuSeconds: this.#endedCpuSeconds + cpuSeconds(this.#process),
      utilization: stats?.utilization ?? 0,
      ...(this.#lastCrash === undefined ? {} : { lastCrash: this.#lastCrash }),
      ...(this.#retryAt === undefined ? {} : { retryAt: new Date(this.#retryAt).toISOString() }),
    };
  }

  /** The process hangs, and this is what its event loop does; its end follows. */
  hung(stack: readonly string[]): void {
    this.#stack = stack;
  }

  /** A front lost this process: replaces it when its socket is dead, or when this happens again and again. */
  async suspect(reason: string): Promise<void> {
    const process = this.running;
    if (process === undefined) return;
    const now = performance.now();
    this.#suspicions = [...this.#suspicions.filter((time) => now - time < SUSPICION_WINDOW_MS), now];
    // A process that has crashed is lost by the front before its exit is known here; its own end tells more.
    await delay(SETTLE_MS);
    if (this.running !== process) return;
    if (this.#suspicions.length >= MAX_SUSPICIONS) {
      process.kill(`was lost by the front ${MAX_SUSPICIONS} times in a row (${reason}) and was replaced`);
    } else if (!(await acceptsConnections(process.address, PROBE_MS))) {
      process.kill(`no longer accepts connections (${reason}) and was replaced`);
    } else if (this.running === process) {
      this.#options.observer.changed();
    }
  }

  /** Tells the process, and any that takes its place, that nothing new will come. */
  prepareStop(departure: Departure): void {
    this.#departure ??= departure;
    this.#process?.prepareStop(departure);
  }

  /** Resolves when no process is left, and none will come. Default of `graceMs`: the stop timeout. */
  async stop(graceMs = this.#options.stopTimeoutMs): Promise<void> {
    clearTimeout(this.#retry);
    this.#retryAt = this.#retry = undefined;
    const process = this.#process;
    if (process !== undefined) this.#state = 'stopping';
    else if (this.#state !== 'failed') this.#state = 'stopped';
    await process?.stop(graceMs);
    if (this.#state === 'stopping') this.#state = 'stopped';
    await this.#options.ended();
  }

  /** `admitted`: true when it takes requests, false when it has ended before. */
  #spawn(): { readonly process: SlotProcess; readonly admitted: Promise<boolean> } {
    this.#incarnation += 1;
    this.#state = 'starting';
    this.#stack = undefined;
    const process = this.#options.spawn(this.#incarnation);
    this.#process = process;
    this.#instance = process.address.instance;
    if (this.#departure !== undefined) process.prepareStop(this.#departure);
    const admitted = this.#admit(process);
    void process.gone.then((end) => this.#gone(process, end));
    return { process, admitted };
  }

  async #admit(process: SlotProcess): Promise<boolean> {
    if (!(await process.ready)) return false;
    const admit = this.#options.admission?.();
    if (admit !== undefined && !(await this.#passes(process, admit))) return false;
    if (this.#state === 'starting' && this.#process === process) this.#state = 'running';
    return true;
  }

  /**
   * One more that does not pass is not needed. What takes the place of one that ended is asked as long as it lives: to end
   * it would not make it better, and the circuit would open for a database that is down.
   */
  async #passes(process: SlotProcess, admit: NonNullable<DeploymentSpec['admit']>): Promise<boolean> {
    const isOneMore = this.#incarnation === 1;
    const over = new AbortController();
    void process.gone.then(() => over.abort());
    for (let isTold = false; ; ) {
      try {
        await admit(process.address, over.signal);
        return true;
      } catch (error) {
        if (over.signal.aborted) return false;
        if (isOneMore) process.kill(`was not healthy and is not used (${messageOf(error)})`);
        else if (!isTold) this.#options.observer.unhealthy(process.address.instance, messageOf(error));
        isTold = true;
        if (isOneMore) return false;
        await delay(UNHEALTHY_PAUSE_MS, undefined, { ref: false });
      }
    }
  }

  #gone(process: SlotProcess, end: InstanceEnd): void {
    const wasFirstStart = this.#incarnation === 1 && end.failure !== undefined;
    this.#endedCpuSeconds += cpuSeconds(process);
    this.#process = undefined;
    if (wasFirstStart || this.#isStopped()) return;
    this.#crashed(end);
  }

  #crashed(end: InstanceEnd): void {
    const { observer, restart } = this.#options;
    const { reason } = end;
    const now = performance.now();
    this.#crashTimes = [...this.#crashTimes, now].slice(-Math.max(1, restart.maxCrashes));
    const decision = decideRestart(this.#crashTimes, now, restart, Math.random(), this.#trialStartedAt);
    this.#trialStartedAt = undefined;
    this.#state = decision.kind === 'give-up' ? 'failed' : 'waiting';
    this.#lastCrash = this.#crashOf(end, observer.crashed(this.#instance, end));
    observer.changed();
    if (decision.kind === 'give-up') {
      const { crashesInWindow, retryInMs } = decision;
      const times = `${crashesInWindow} ${crashesInWindow === 1 ? 'time' : 'times'} within ${restart.windowMs / 1000} s`;
      const why = `It ended ${times}, the last time because the process ${reason}.`;
      if (retryInMs !== undefined) this.#startIn(retryInMs, () => this.#try());
      observer.gaveUp(this.#instance, why, retryInMs);
      return;
    }
    this.#startIn(decision.delayMs, () => void this.#startAgain());
    observer.restarting(this.#instance, reason, decision.delayMs);
  }

  #crashOf({ reason, exitCode, signal, heap }: InstanceEnd, lastOutput: readonly string[]): InstanceCrash {
    const stack = this.#stack;
    return {
      instance: this.#instance,
      at: new Date().toISOString(),
      reason,
      exitCode,
      signal,
      ...(stack === undefined ? {} : { stack }),
      ...(heap === undefined ? {} : { heap }),
      lastOutput,
    };
  }

  #startIn(delayMs: number, start: () => void): void {
    this.#retryAt = Date.now() + delayMs;
    this.#retry = setTimeout(() => {
      this.#retryAt = this.#retry = undefined;
      start();
    }, delayMs);
  }

  #try(): void {
    this.#trialStartedAt = performance.now();
    this.#options.observer.halfOpen(this.#instance);
    void this.#startAgain();
  }

  async #startAgain(): Promise<void> {
    const { process, admitted } = this.#spawn();
    if ((await admitted) && this.running === process) this.#options.observer.changed();
  }

  #isStopped(): boolean {
    return this.#state === 'stopping' || this.#state === 'stopped';
  }
}

function cpuSeconds(process: SlotProcess | undefined): number {
  const stats = process?.stats;
  return stats === undefined ? 0 : (stats.cpuUserMicros + stats.cpuSystemMicros) / 1_000_000;
}
