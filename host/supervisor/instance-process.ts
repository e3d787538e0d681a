import { rmSync } from 'node:fs';
import type { InstanceAddress } from '../front/messages.js';
import type { AgentCommand, ApplicationKind, BootPlan } from '../instance/messages.js';
import type { Departure } from '../lifecycle/departure.js';
import { formatSize } from '../units.js';
import { type AgentOwner, AgentProcess } from './agent-process.js';
import { parseReport } from './agent-report.js';
import { captureBlockedStack } from './blocked-stack.js';
import { residentBytesOf } from './command/process-tree.js';
import type { StartFailureDetail } from './deployment-process.js';
import { exitReason, memoryExcess, spawnFailure } from './end-cause.js';
import { FunctionCalls, type FunctionOrder } from './function-calls.js';
import { type HeapReport, takeHeapReport } from './heap-report.js';
import { HeartbeatWatch } from './heartbeat-watch.js';
import type { InstanceStats, LimitExcess } from './instance-end.js';
import type { CpuGroup } from './limits/cpu-groups.js';
import { MessageRate } from './message-rate.js';
import type { OutputCapture } from './output/output-capture.js';
import { ProcessCourse } from './process-course.js';
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
  readonly #course = new ProcessCourse();
  readonly ready = this.#course.ready;
  readonly gone = this.#course.gone;
  readonly plan: BootPlan;
  readonly startedAt = new Date().toISOString();
  pid: number | undefined;
  stats: InstanceStats | undefined;
  kind: ApplicationKind | undefined;
  isHung = false;
  isFromSpare: boolean;

  readonly #options: InstanceOptions;
  #agent: AgentProcess | undefined;
  #surroundings: Surroundings | undefined;
  /** Runs while a spare has not said that it has got the application. */
  #spareTimer: NodeJS.Timeout | undefined;
  #spareProblem: string | undefined;
  #heartbeat: HeartbeatWatch | undefined;
  /** It was told to load the application. */
  #isBooting = false;
  readonly #messages = new MessageRate();
  /** It was told that nothing new will come, and this reason. */
  #departure: Departure | undefined;
  readonly #calls = new FunctionCalls((command) => this.#send(command));

  constructor(options: InstanceOptions) {
    this.#options = options;
    this.plan = options.plan;
    this.isFromSpare = options.spare !== undefined;
    this.#startWithin(options.plan.startTimeoutMs);
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
    return this.#course.stage === 'ended' || this.#agent?.hasExited === true;
  }

  /** Tells the application, now or when it is ready, that nothing new will come. It goes on answering. */
  prepareStop(departure: Departure): void {
    if (this.#departure !== undefined) return;
    this.#departure = departure;
    if (this.#course.stage === 'running') this.#send({ type: 'prepare-stop', departure });
  }

  /** Only while it is running. See `FunctionCalls`. */
  runFunction(order: FunctionOrder): Promise<string> {
    return this.#calls.call(order);
  }

  /** Asks the application to stop and resolves when it is gone, by SIGKILL after `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    if (this.#course.stage === 'running') {
      this.#course.blameFor('was stopped');
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
    this.#course.blameFor(reason, step);
    this.#agent?.kill();
  }

  /** Takes a process and gives it the application, whether it was waiting or is started now. */
  async #begin(): Promise<void> {
    const { spare, surroundings } = this.#options;
    try {
      this.#surroundings = await surroundings();
      if (this.#course.cause !== undefined) {
        spare?.kill();
        this.#neverThere();
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
    this.#isBooting = false;
    this.pid = undefined;
    try {
      if (this.#surroundings !== undefined) this.#take(this.#start(this.#surroundings));
    } catch (error) {
      this.#spawnFailed(error);
    }
  }

  #boot(): void {
    this.#isBooting = true;
    this.#startWithin(this.plan.startTimeoutMs + TIMEOUT_REPORT_MS);
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
    const isStarting = this.#isBooting && this.#course.stage === 'starting';
    if (report.type === 'hello' && !this.#isBooting) {
      this.#boot();
    } else if (report.type === 'booting') {
      clearTimeout(this.#spareTimer);
      this.#spareTimer = undefined;
    } else if (report.type === 'ready' && isStarting && this.#course.cause === undefined) {
      this.#becomeReady(report.kind);
    } else if (report.type === 'failed' && isStarting) {
      const { step, message: text, stack } = report;
      const folder = this.#surroundings?.folder;
      this.#course.blame({
        reason: `failed to start: ${text}`,
        failure: { step, message: text, stack, folder },
      });
      this.#killAfter(FAILED_EXIT_MS);
    } else if (report.type === 'stop-requested' && this.#course.isWell) {
      this.#options.onStopRequest();
    } else if (report.type === 'function-ended') {
      this.#calls.ended(report);
    } else if (report.type === 'stats' && this.#course.stage === 'running') {
      const rssBytes = report.rssBytes || this.#residentBytes();
      this.stats = { ...report, rssBytes };
      this.#heartbeat?.beat();
      this.#checkMemory(rssBytes);
    }
  }

  /** Of a process that cannot tell; where nobody else can (no `/proc`), what it said last. */
  #residentBytes(): number {
    return (this.pid === undefined ? undefined : residentBytesOf(this.pid)) ?? this.stats?.rssBytes ?? 0;
  }

  #checkMemory(rssBytes: number): void {
    const excess = memoryExcess(rssBytes, this.#options.maxMemoryBytes);
    if (excess === undefined || this.#course.cause !== undefined) return;
    this.#options.onLimit(excess);
    this.kill(excess.reason);
  }

  #becomeReady(kind: ApplicationKind): void {
    const { hangTimeoutMs } = this.#options;
    this.kind = kind;
    this.#heartbeat = new HeartbeatWatch(hangTimeoutMs, () => void this.#hung());
    if (this.#departure !== undefined) this.#send({ type: 'prepare-stop', departure: this.#departure });
    this.#course.run();
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

  #startWithin(timeoutMs: number): void {
    this.#course.startWithin(timeoutMs, () => {
      const what = this.#isBooting ? 'it was not ready' : 'its agent did not load';
      this.#course.blameLateStart(this.plan.startTimeoutMs, what);
      this.kill('');
    });
  }

  #spawnFailed(error: unknown): void {
    // Also emitted for a message that could not be sent; then the process itself tells what happened.
    if (this.pid !== undefined || this.#course.stage === 'ended') return;
    this.#course.blame(spawnFailure(error));
    this.#neverThere();
  }

  #neverThere(): void {
    void this.#options.endStrays().then(() => this.#end(null, null));
  }

  failed(error: unknown): void {
    this.#spawnFailed(error);
  }

  disconnected(): void {
    if (!this.#course.isWell) return;
    // An exit follows at once when the process ends by itself. Without a channel it cannot be controlled any more.
    this.#killAfter(OUTPUT_END_MS);
  }

  exited(code: number | null, signal: NodeJS.Signals | null): void {
    const agent = this.#agent;
    if (agent === undefined) return;
    agent.kill();
    const reason = `${exitReason(code, signal)}${this.#hintFor(signal)}`;
    const timer = setTimeout(() => agent.closeStreams(), OUTPUT_END_MS);
    agent.child.once('close', () => {
      clearTimeout(timer);
      // Only now is its channel read to the end: it may have said why it failed just before it exited.
      if (this.#spareTimer !== undefined && this.#course.cause === undefined) {
        this.#replaceSpare(this.#spareProblem ?? reason);
        return;
      }
      this.#course.blameFor(reason);
      void this.#last().then((heap) => this.#end(code, signal, heap));
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
  #hintFor(signal: NodeJS.Signals | null): string {
    if (signal !== 'SIGABRT') return '';
    return ` (a full heap ends so; limits.heap is ${formatSize(this.#options.maxHeapBytes)})`;
  }

  #end(code: number | null, signal: NodeJS.Signals | null, heap?: HeapReport): void {
    clearTimeout(this.#spareTimer);
    this.#heartbeat?.stop();
    rmSync(this.plan.socketPath, { force: true });
    const { reason } = this.#course.end(code, signal, heap);
    this.#calls.lost(reason);
  }

  #killAfter(delayMs: number): void {
    this.#course.endWithin(delayMs, () => this.kill('closed its control channel'));
  }

  #send(command: AgentCommand): void {
    this.#agent?.send(command);
  }
}
