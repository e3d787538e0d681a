import type { SpareKind } from '../../instance/messages.js';
import { type AgentOwner, AgentProcess, type AgentProcessOptions } from '../agent-process.js';
import { parseReport } from '../agent-report.js';
import { exitReason } from '../end-cause.js';
import type { InstanceFolder } from '../surroundings/instance-folder.js';

/** What a pool hears of its spares. */
export interface SpareObserver {
  /** It can be taken. */
  ready(spare: SpareProcess): void;
  /** It has ended, and nobody has taken it; `reason` continues "the process …". */
  lost(spare: SpareProcess, reason: string): void;
}

/** For the agent to load. */
const LOAD_MS = 30_000;

/**
 * A process that loads what any application needs and waits for one, with the places that it will have for itself. Owned by the
 * pool until it is taken, then by the instance.
 */
export class SpareProcess implements AgentOwner {
  readonly kind: SpareKind;
  readonly own: InstanceFolder;
  readonly process: AgentProcess;
  readonly startedAt = performance.now();
  readonly #observer: SpareObserver;
  readonly #timer: NodeJS.Timeout;
  #state: 'starting' | 'ready' | 'over' = 'starting';
  #reason: string | undefined;

  /** Starts it. Throws what the system says. */
  constructor(kind: SpareKind, own: InstanceFolder, start: AgentProcessOptions, observer: SpareObserver) {
    this.kind = kind;
    this.own = own;
    this.#observer = observer;
    this.process = new AgentProcess(start, this);
    this.#timer = setTimeout(() => this.#end(`was not ready within ${LOAD_MS / 1000} s`), LOAD_MS);
  }

  get isReady(): boolean {
    return this.#state === 'ready' && !this.process.hasExited;
  }

  /** It is somebody else's now, who calls `giveTo` at once. */
  leave(): void {
    this.#state = 'over';
    clearTimeout(this.#timer);
  }

  received(message: unknown): void {
    const report = parseReport(message);
    if (report?.type === 'hello') this.process.send({ type: 'prepare', kind: this.kind });
    if (report?.type !== 'prepared' || this.#state !== 'starting') return;
    this.#state = 'ready';
    clearTimeout(this.#timer);
    this.#observer.ready(this);
  }

  broken(): void {
    this.#end('wrote to its control channel what is no message');
  }

  disconnected(): void {
    // Its exit follows; one that only lost its channel is of no use.
    this.process.kill();
  }

  exited(code: number | null, signal: NodeJS.Signals | null): void {
    this.process.kill();
    this.#lost(exitReason(code, signal));
  }

  failed(error: unknown): void {
    if (this.process.pid === undefined) this.#lost(`could not be started: ${String(error)}`);
  }

  #end(reason: string): void {
    this.#reason ??= reason;
    this.process.kill();
  }

  #lost(how: string): void {
    if (this.#state === 'over') return;
    this.leave();
    this.#observer.lost(this, this.#reason ?? how);
  }
}
