import { rmSync } from 'node:fs';
import type { InstanceAddress } from '../front/messages.js';
import type { AgentCommand, ApplicationKind, BootPlan } from '../instance/messages.js';
import type { Departure } from '../lifecycle/departure.js';
import { formatSize } from '../units.js';
import { type AgentOwner, AgentProcess } from './agent-process.js';
import { parseReport } from './agent-report.js';
import { captureBlockedStack } from './blocked-stack.js';
import type { StartFailureDetail } from './deployment-process.js';
import { type EndCause, memoryExcess, spawnFailure } from './end-cause.js';
import { FunctionCalls, type FunctionOrder } from './function-calls.js';
import { type HeapReport, takeHeapReport } from './heap-report.js';
import { HeartbeatWatch } from './heartbeat-watch.js';
import type { InstanceEnd, InstanceStats, LimitExcess } from './instance-end.js';
import type { CpuGroup } from './limits/cpu-groups.js';
import { MessageRate } from './message-rate.js';
import type { OutputCapture } from './output/output-capture.js';
import type { SlotProcess } from './slot-process.js';
import type { Surroundings } from './surroundings/surroundings.js';

/** What one process is started with. */
export interface InstanceOptions {
  readonly agentPath: string;
  /** A process that waits for an application and fits this one; it listens where the plan says. Undefined: one is started. */
  readonly spare?: AgentProcess | undefined;
  /** The spare ended before it had taken the application; a new process does. */
  readonly onSpareLost: (reason: string) => void;
  readonly plan: BootPlan;
  /** Made at the start; what it rejects with is the reason why there was none. */
  readonly surroundings: () => Promise<Surroundings>;
  readonly maxHeapBytes: number;
  readonly maxFiles: number;
  /** Holds it to its share of the processors. */
  readonly cpuGroup: CpuGroup | undefined;
  /** Resident size, by its own reports; 0: no limit. */
  readonly maxMemoryBytes: number;
  readonly hangTimeoutMs: number;
  readonly capture: OutputCapture;
  /** It did not answer; what its event loop was doing, innermost first. It is killed afterwards. */
  readonly onHang: (frames: readonly string[], problem: string | undefined) => void;
  /** It used more than it may, and is killed for it. */
  readonly onLimit: (excess: LimitExcess) => void;
  /** The application has asked to be stopped; called while it is running, any number of times. */
  readonly onStopRequest: () => void;
  /** Ends what the process has spawned and left behind, and deletes its folder; never rejects. */
  readonly endStrays: () => Promise<void>;
}

/** Between the exit of the process and the end of its output, which a stray child may hold open. */
const OUTPUT_END_MS = 1000;
/** Between the report that the start failed and the exit of the process. */
const FAILED_EXIT_MS = 1000;
/** The agent knows more about a start that takes too long, so it is let speak first. */
const TIMEOUT_REPORT_MS = 500;
/** For a spare to say that it has got its application. It waits for nothing else. */
const SPARE_ANSWER_MS = 5000;
/** For the stack of a blocked event loop. */
const STACK_MS = 3000;

/**
 * One process of one deployment, from its start, or from when it is taken from the spares, to the end of its output. Owned by
 * an InstanceSlot; outlives nothing.
 */
export class InstanceProcess implements SlotProcess, AgentOwner {
  /** True when ready; false when it ended before. */
  readonly ready: Promise<boolean>;
  /** Resolves when the process, its group and its output are over. */
  readonly gone: Promise<InstanceEnd>;
  readonly plan: BootPlan;
  readonly startedAt = new Date().toISOString();
  pid: number | undefined;
  stats: InstanceStats | undefined;
  kind: ApplicationKind | undefined;
  isHung = false;
  isFromSpare: boolean;

  readonly #options: InstanceOptions;
  #startTimer: NodeJS.Timeout | undefined;
  #agent: AgentProcess | undefined;
  #surroundings: Surroundings | undefined;
  /** Runs while a spare has not said that it has got the application. */
  #spareTimer: NodeJS.Timeout | undefined;
  #spareProblem: string | undefined;
  #killTimer: NodeJS.Timeout | undefined;
  #heartbeat: HeartbeatWatch | undefined;
  #resolveReady: (isReady: boolean) => void = () => undefined;
  #resolveGone: (end: InstanceEnd) => void = () => undefined;
  #state: 'spawned' | 'booting' | 'running' | 'ended' = 'spawned';
  /** Why we ended it, or how it said it failed; the first cause counts. */
  #cause: EndCause | undefined;
  readonly #messages = new MessageRate();
  /** It was told that nothing new will come, and this reason. */
  #departure: Departure | undefined;
  readonly #calls = new FunctionCalls((command) => this.#send(command));

  constructor(options: InstanceOptions) {
    this.#options = options;
    this.plan = options.plan;
    this.isFromSpare = options.spare !== undefined;
    this.ready = new Promise((resolve) => {
      this.#resolveReady = resolve;
    });
    this.gone = new Promise((resolve) => {
      this.#resolveGone = resolve;
    });
    this.#startIn(options.plan.startTimeoutMs);
    void this.#begin();
  }

  get address(): InstanceAddress {
    const { instance, socketPath, secret } = this.plan;
    return { instance, socketPath, secret };
  }

  get isCpuHeld(): boolean {
    return this.#options.cpuGroup?.isEnforced === true;
  }

  /** True from its exit on; `gone` follows when its output is read. */
  get hasExited(): boolean {
    return this.#state === 'ended' || this.#agent?.hasExited === true;
  }

  /** Tells the application, now or when it is ready, that nothing new will come. It goes on answering. */
  prepareStop(departure: Departure): void {
    if (this.#departure !== undefined) return;
    this.#departure = departure;
    if (this.#state === 'running') this.#send({ type: 'prepare-stop', departure });
  }

  /** Only while it is running. See `FunctionCalls`. */
  runFunction(order: FunctionOrder): Promise<string> {
    return this.#calls.call(order);
  }

  /** Asks the application to stop and resolves when it is gone, by SIGKILL after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    if (this.#state === 'running') {
      this.#cause ??= { reason: 'was stopped', failure: undefined };
      this.#heartbeat?.stop();
      this.#killAfter(graceMs);
      this.#send({ type: 'stop', graceMs });
    } else {
      this.kill('was stopped while it started', 'exit');
    }
    await this.gone;
  }

  /** Ends the process and its group now. */
  kill(reason: string, step: StartFailureDetail['step'] = 'exit'): void {
    if (this.hasExited && this.#spareTimer === undefined) return;
    this.#cause ??= { reason, failure: this.#failureBeforeReady(step, `The process ${reason}.`) };
    this.#agent?.kill();
  }

  /** Takes a process and gives it the application, whether it was waiting or is started now. */
  async #begin(): Promise<void> {
    const { spare, surroundings } = this.#options;
    try {
      this.#surroundings = await surroundings();
      if (this.#cause !== undefined) {
        spare?.kill();
        this.#neverThere(this.#cause);
      } else if (spare === undefined) this.#take(this.#start(this.#surroundings));
      else if (spare.hasExited) this.#replaceSpare('ended before it was taken');
      else this.#takeSpare(spare);
    } catch (error) {
      spare?.kill();
      this.#spawnFailed(error);
    }
  }

  #start(surroundings: Surroundings): AgentProcess {
    const { plan, agentPath, maxHeapBytes, maxFiles } = this.#options;
    const { folder, socketPath } = plan;
    return new AgentProcess({ ...surroundings, agentPath, folder, maxHeapBytes, maxFiles, socketPath }, this);
  }

  #take(agent: AgentProcess): void {
    const { capture } = this.#options;
    this.#agent = agent;
    this.pid = agent.pid;
    // Before it is told to load the application.
    if (agent.pid !== undefined) this.#options.cpuGroup?.join(agent.pid);
    const { stdout, stderr } = agent.child;
    if (stdout !== null) capture.attach(stdout, 'out');
    if (stderr !== null) capture.attach(stderr, 'err');
  }

  #takeSpare(spare: AgentProcess): void {
    spare.giveTo(this);
    this.#take(spare);
    this.#spareTimer = setTimeout(() => {
      this.#spareProblem = `did not answer for ${SPARE_ANSWER_MS / 1000} s and was killed`;
      spare.kill();
    }, SPARE_ANSWER_MS);
    this.#boot();
  }

  /** A spare that ends before anything of the application is in it is no crash of that. */
  #replaceSpare(reason: string): void {
    clearTimeout(this.#spareTimer);
    this.#spareTimer = undefined;
    this.isFromSpare = false;
    this.#options.onSpareLost(reason);
    this.#state = 'spawned';
    this.pid = undefined;
    try {
      if (this.#surroundings !== undefined) this.#take(this.#start(this.#surroundings));
    } catch (error) {
      this.#spawnFailed(error);
    }
  }

  #boot(): void {
    this.#state = 'booting';
    this.#startIn(this.plan.startTimeoutMs + TIMEOUT_REPORT_MS);
    this.#send({ type: 'boot', plan: this.plan, environment: this.#surroundings?.environment ?? {} });
  }

  broken(): void {
    this.kill('wrote to its control channel what is no message');
  }

  received(message: unknown): void {
    if (this.#messages.isFlood()) {
      this.kill('flooded its control channel');
      return;
    }
    const report = parseReport(message);
    if (report === undefined) return;
    if (report.type === 'hello' && this.#state === 'spawned') {
      this.#boot();
    } else if (report.type === 'booting') {
      clearTimeout(this.#spareTimer);
      this.#spareTimer = undefined;
    } else if (report.type === 'ready' && this.#state === 'booting' && this.#cause === undefined) {
      this.#becomeReady(report.kind);
    } else if (report.type === 'failed' && this.#state === 'booting') {
      const { step, message: text, stack } = report;
      const folder = this.#surroundings?.folder;
      this.#cause ??= { reason: `failed to start: ${text}`, failure: { step, message: text, stack, folder } };
      this.#killAfter(FAILED_EXIT_MS);
    } else if (report.type === 'stop-requested' && this.#state === 'running' && this.#cause === undefined) {
      this.#options.onStopRequest();
    } else if (report.type === 'function-ended') {
      this.#calls.ended(report);
    } else if (report.type === 'stats' && this.#state === 'running') {
      this.stats = report;
      this.#heartbeat?.beat();
      this.#checkMemory(report.rssBytes);
    }
  }

  #checkMemory(rssBytes: number): void {
    const excess = memoryExcess(rssBytes, this.#options.maxMemoryBytes);
    if (excess === undefined || this.#cause !== undefined) return;
    this.#options.onLimit(excess);
    this.kill(excess.reason);
  }

  #becomeReady(kind: ApplicationKind): void {
    const { hangTimeoutMs } = this.#options;
    this.#state = 'running';
    this.kind = kind;
    clearTimeout(this.#startTimer);
    this.#heartbeat = new HeartbeatWatch(hangTimeoutMs, () => void this.#hung());
    if (this.#departure !== undefined) this.#send({ type: 'prepare-stop', departure: this.#departure });
    this.#resolveReady(true);
  }

  /** Also when it goes on meanwhile: it was asked to stand still. */
  async #hung(): Promise<void> {
    this.isHung = true;
    const agent = this.#agent;
    if (agent !== undefined && !this.hasExited) {
      const { frames, problem } = await captureBlockedStack(agent.child, STACK_MS);
      if (!this.hasExited) this.#options.onHang(frames, problem);
    }
    this.kill(`did not answer for ${this.#options.hangTimeoutMs / 1000} s and was killed`);
  }

  #startIn(timeoutMs: number): void {
    clearTimeout(this.#startTimer);
    this.#startTimer = setTimeout(() => this.#startTimedOut(), timeoutMs);
  }

  #startTimedOut(): void {
    const seconds = this.plan.startTimeoutMs / 1000;
    const what = this.#state === 'spawned' ? 'its agent did not load' : 'it was not ready';
    this.#cause ??= {
      reason: `was not ready within ${seconds} s`,
      failure: this.#failureBeforeReady('timeout', `After ${seconds} s ${what}.`),
    };
    this.kill('');
  }

  #spawnFailed(error: unknown): void {
    // Also emitted for a message that could not be sent; then the process itself tells what happened.
    if (this.pid !== undefined || this.#state === 'ended') return;
    this.#neverThere(this.#cause ?? spawnFailure(error));
  }

  #neverThere(cause: EndCause): void {
    void this.#options.endStrays().then(() => this.#end({ ...cause, exitCode: null, signal: null }));
  }

  failed(error: unknown): void {
    this.#spawnFailed(error);
  }

  disconnected(): void {
    if (this.#state !== 'running' || this.#cause !== undefined) return;
    // An exit follows at once when the process ends by itself. Without a channel it cannot be controlled any more.
    this.#killAfter(OUTPUT_END_MS);
  }

  exited(code: number | null, signal: NodeJS.Signals | null): void {
    const agent = this.#agent;
    if (agent === undefined) return;
    agent.kill();
    const reason =
      signal === null ? `exited with code ${code}` : `was ended by ${signal}${this.#hintFor(signal)}`;
    const timer = setTimeout(() => agent.closeStreams(), OUTPUT_END_MS);
    agent.child.once('close', () => {
      clearTimeout(timer);
      // Only now is its channel read to the end: it may have said why it failed just before it exited.
      if (this.#spareTimer !== undefined && this.#cause === undefined) {
        this.#replaceSpare(this.#spareProblem ?? reason);
        return;
      }
      const failure = this.#failureBeforeReady('exit', `The process ${reason}.`);
      const cause = this.#cause ?? { reason, failure };
      void this.#last().then((heap) => this.#end({ ...cause, exitCode: code, signal, heap }));
    });
  }

  async #last(): Promise<HeapReport | undefined> {
    // First, since the folder that it may lie in goes with the strays.
    const heap = await takeHeapReport(this.plan.socketPath);
    await this.#options.endStrays();
    if (heap === undefined) return undefined;
    const { maxHeapBytes } = this.#options;
    const reason = `filled its heap, limits.heap is ${formatSize(maxHeapBytes)}, and was ended by Node`;
    this.#options.onLimit({ event: 'heap-limit', reason, used: heap.usedBytes, limit: maxHeapBytes });
    return heap;
  }

  /** Node aborts when the heap is full; an application may abort for another reason. */
  #hintFor(signal: NodeJS.Signals): string {
    if (signal !== 'SIGABRT') return '';
    return ` (a full heap ends so; limits.heap is ${formatSize(this.#options.maxHeapBytes)})`;
  }

  #end(end: InstanceEnd): void {
    this.#state = 'ended';
    clearTimeout(this.#startTimer);
    clearTimeout(this.#killTimer);
    clearTimeout(this.#spareTimer);
    this.#heartbeat?.stop();
    rmSync(this.plan.socketPath, { force: true });
    this.#calls.lost(end.reason);
    this.#resolveReady(false);
    this.#resolveGone(end);
  }

  #failureBeforeReady(step: StartFailureDetail['step'], message: string): EndCause['failure'] {
    return this.#state === 'running' ? undefined : { step, message, stack: '' };
  }

  #killAfter(delayMs: number): void {
    clearTimeout(this.#killTimer);
    this.#killTimer = setTimeout(() => this.kill('closed its control channel'), delayMs);
  }

  #send(command: AgentCommand): void {
    this.#agent?.send(command);
  }
}
