import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import type { LivenessSettings } from '../../config/liveness-settings.js';
import type { InstanceAddress } from '../../front/messages.js';
import { acceptsConnections } from '../accepts-connections.js';
import { exitReason, memoryExcess, spawnFailure } from '../end-cause.js';
import type { InstanceStats, LimitExcess } from '../instance-end.js';
import type { CpuGroup } from '../limits/cpu-groups.js';
import type { OutputCapture } from '../output/output-capture.js';
import { ProcessCourse } from '../process-course.js';
import { killGroup, signalGroup } from '../process-group.js';
import type { SlotProcess } from '../slot-process.js';
import { inShell } from '../surroundings/in-shell.js';
import type { Surroundings } from '../surroundings/surroundings.js';
import { findProgram } from './find-program.js';
import { freePort } from './free-port.js';
import { Liveness } from './liveness.js';
import type { OrphanWatch } from './orphan-watch.js';
import { isListening, usageOf } from './process-tree.js';

/** What one process of a program is started with. */
export interface CommandOptions {
  readonly instance: string;
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly listen: 'port' | 'socket';
  /** Made at the start; what it rejects with is the reason why there was none. */
  readonly surroundings: () => Promise<Surroundings>;
  /** For `listen: socket`; its folder exists and is private. */
  readonly socketPath: string;
  readonly startTimeoutMs: number;
  /** Resident size of the process and its descendants together; 0: no limit. */
  readonly maxMemoryBytes: number;
  readonly statsIntervalMs: number;
  readonly liveness: LivenessSettings;
  /** What `Liveness` asks for. */
  readonly livenessPath: string | undefined;
  /** It gave no sign of life, and is killed for it; the reason continues "the process …". */
  readonly onSilence: (reason: string) => void;
  readonly capture: OutputCapture;
  /** It used more than it may, and is killed for it. */
  readonly onLimit: (excess: LimitExcess) => void;
  /** Mask of the rights of new files; undefined: that of the host. */
  readonly umask: number | undefined;
  readonly maxFiles: number;
  /** Ends it when the server has died without doing so. */
  readonly orphans: Pick<OrphanWatch, 'add' | 'delete'>;
  /** Holds it to its share of the processors. */
  readonly cpuGroup: CpuGroup | undefined;
  /** Ends what the process has spawned and left behind, and deletes its folder; never rejects. */
  readonly endStrays: () => Promise<void>;
}

/** Between the exit of the process and the end of its output, which a stray child may hold open. */
const OUTPUT_END_MS = 1000;
/** Between two looks whether it accepts connections. */
const LOOK_MS = 50;
/** Descriptor on which a program waits for its group. */
const GATE = 3;
/** For one connection to come about. */
const CONNECT_MS = 1000;

/**
 * One process of a program without an agent: Python, Go, a script. It is ready when it accepts connections where it was told
 * to listen, is asked to stop by SIGTERM to it and its group, and is measured by way of `/proc`. Owned by an InstanceSlot;
 * outlives nothing. The process leads a session of its own, so that what it spawned ends with it.
 */
export class CommandProcess implements SlotProcess {
  readonly #course = new ProcessCourse();
  readonly ready = this.#course.ready;
  readonly gone = this.#course.gone;
  readonly startedAt = new Date().toISOString();
  readonly kind = undefined;
  pid: number | undefined;
  stats: InstanceStats | undefined;

  readonly #options: CommandOptions;
  #port = 0;
  #child: ChildProcess | undefined;
  #measureTimer: NodeJS.Timeout | undefined;
  #liveness: Liveness | undefined;
  /** Somebody else listens on the port it was given. */
  #isPortTaken = false;

  constructor(options: CommandOptions) {
    this.#options = options;
    this.#course.startWithin(options.startTimeoutMs, () => this.#startTimedOut());
    void this.#start();
  }

  get address(): InstanceAddress {
    const { instance, socketPath } = this.#options;
    return { instance, socketPath, httpPort: this.#port, secret: '' };
  }

  get isCpuHeld(): boolean {
    return this.#options.cpuGroup?.isEnforced === true;
  }

  get hasExited(): boolean {
    const child = this.#child;
    return (
      this.#course.stage === 'ended' ||
      (child?.exitCode ?? null) !== null ||
      (child?.signalCode ?? null) !== null
    );
  }

  /** There is no word for it that every program knows. */
  prepareStop(): void {
    // It learns of its end by SIGTERM.
  }

  async stop(graceMs: number): Promise<void> {
    this.#liveness?.stop();
    if (this.#course.stage === 'running') {
      this.#course.blameFor('was stopped');
      this.#course.endWithin(graceMs, () => this.kill('did not stop'));
      if (this.pid !== undefined && !this.hasExited) signalGroup(this.pid, 'SIGTERM');
    } else {
      this.kill('was stopped while it started');
    }
    await this.gone;
  }

  kill(reason: string): void {
    if (this.hasExited) return;
    this.#course.blameFor(reason);
    if (this.pid !== undefined) killGroup(this.pid);
  }

  async #start(): Promise<void> {
    const { command, listen, socketPath } = this.#options;
    const [name = '', ...args] = command;
    try {
      if (listen === 'port') this.#port = await freePort();
      const surroundings = await this.#options.surroundings();
      if (this.#course.cause !== undefined) {
        this.#finish(null, null);
        return;
      }
      const { environment } = surroundings;
      const program = findProgram(name, environment['PATH'] ?? '');
      const place: Record<string, string> =
        listen === 'port' ? { PORT: String(this.#port), HOST: '127.0.0.1' } : { PORTICO_SOCKET: socketPath };
      this.#spawn([program, ...args], { ...environment, ...place }, surroundings);
    } catch (error) {
      this.#spawnFailed(error);
    }
  }

  #spawn(command: readonly string[], env: Record<string, string>, { folder, identity }: Surroundings): void {
    const { capture, statsIntervalMs, umask, maxFiles, cpuGroup } = this.#options;
    // It begins when it is in its group, or what it starts first would be outside.
    const waitsOn = cpuGroup === undefined ? undefined : GATE;
    const [program = '', ...args] = inShell(command, { umask, maxFiles, waitsOn });
    const child = spawn(program, args, {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe', ...(waitsOn === undefined ? [] : ['pipe' as const])],
      detached: true,
      ...identity,
    });
    this.#child = child;
    this.pid = child.pid;
    child.on('error', (error) => this.#spawnFailed(error));
    child.once('exit', (code, signal) => this.#exited(child, code, signal));
    if (child.stdout !== null) capture.attach(child.stdout, 'out');
    if (child.stderr !== null) capture.attach(child.stderr, 'err');
    if (child.pid === undefined) return;
    const { pid } = child;
    this.#options.orphans.add(pid);
    cpuGroup?.join(pid);
    const gate: unknown = child.stdio[GATE];
    if (gate instanceof Writable) gate.on('error', () => undefined).end('\n');
    this.#measureTimer = setInterval(() => this.#measure(pid), statsIntervalMs);
    void this.#awaitReady(pid);
  }

  async #awaitReady(pid: number): Promise<void> {
    for (;;) {
      await delay(LOOK_MS);
      const isAccepting = await acceptsConnections(this.address, CONNECT_MS);
      if (this.#course.stage !== 'starting' || this.#course.cause !== undefined || this.hasExited) return;
      // The port was free when it was chosen; requests must not go to whoever took it in between.
      this.#isPortTaken = isAccepting && this.#port > 0 && isListening(pid, this.#port) === false;
      if (isAccepting && !this.#isPortTaken) break;
    }
    const { liveness, livenessPath: path } = this.#options;
    this.#liveness = new Liveness({ address: this.address, pid, path }, liveness, (reason) => {
      if (this.hasExited || this.#course.cause !== undefined) return;
      this.#options.onSilence(reason);
      this.kill(`${reason} and was killed`);
    });
    this.#course.run();
    this.#measure(pid);
  }

  #measure(pid: number): void {
    const usage = this.hasExited ? undefined : usageOf(pid);
    if (usage === undefined) return;
    this.stats = { type: 'stats', ...usage, heapUsedBytes: 0, utilization: 0, exchanges: 0 };
    const excess = memoryExcess(usage.rssBytes, this.#options.maxMemoryBytes);
    if (excess === undefined || this.#course.cause !== undefined) return;
    this.#options.onLimit(excess);
    this.kill(excess.reason);
  }

  #startTimedOut(): void {
    const { startTimeoutMs, socketPath } = this.#options;
    const where =
      this.#port > 0 ? `port ${this.#port} of 127.0.0.1 (PORT)` : `${socketPath} (PORTICO_SOCKET)`;
    const what = this.#isPortTaken
      ? `another process listens on ${where}`
      : `it accepted no connection on ${where}`;
    this.#course.blameLateStart(startTimeoutMs, what);
    this.kill('');
  }

  #spawnFailed(error: unknown): void {
    // Also emitted when a signal could not be sent; then the process itself tells what happened.
    if (this.pid !== undefined || this.#course.stage === 'ended') return;
    this.#course.blame(spawnFailure(error));
    this.#finish(null, null);
  }

  #exited(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    if (this.pid !== undefined) {
      killGroup(this.pid);
      this.#options.orphans.delete(this.pid);
    }
    const timer = setTimeout(() => {
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, OUTPUT_END_MS);
    child.once('close', () => {
      clearTimeout(timer);
      this.#course.blameFor(exitReason(code, signal));
      this.#finish(code, signal);
    });
  }

  /** Both null: it never was there. */
  #finish(code: number | null, signal: NodeJS.Signals | null): void {
    void this.#options.endStrays().then(() => {
      clearInterval(this.#measureTimer);
      this.#liveness?.stop();
      rmSync(this.#options.socketPath, { force: true });
      this.#course.end(code, signal);
    });
  }
}
