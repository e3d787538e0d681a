import type { StartFailureDetail } from './deployment-process.js';
import { type EndCause, exitReason } from './end-cause.js';
import type { HeapReport } from './heap-report.js';
import type { InstanceEnd } from './instance-end.js';

/**
 * How far one process of an application has come, and why it ends. The first cause counts: what is done about it makes more.
 * Owned by the SlotProcess, which starts, watches and kills; it tells the course, and the course tells the slot.
 */
export class ProcessCourse {
  readonly ready: Promise<boolean>;
  readonly gone: Promise<InstanceEnd>;
  #stage: 'starting' | 'running' | 'ended' = 'starting';
  #cause: EndCause | undefined;
  #startTimer: NodeJS.Timeout | undefined;
  #killTimer: NodeJS.Timeout | undefined;
  #resolveReady: (isReady: boolean) => void = () => undefined;
  #resolveGone: (end: InstanceEnd) => void = () => undefined;

  constructor() {
    this.ready = new Promise((resolve) => {
      this.#resolveReady = resolve;
    });
    this.gone = new Promise((resolve) => {
      this.#resolveGone = resolve;
    });
  }

  get stage(): 'starting' | 'running' | 'ended' {
    return this.#stage;
  }

  /** Why it is being ended; undefined while nothing is the matter. */
  get cause(): EndCause | undefined {
    return this.#cause;
  }

  /** Nothing is the matter with it, and it takes requests. */
  get isWell(): boolean {
    return this.#stage === 'running' && this.#cause === undefined;
  }

  /** Calls `late` when it is not running by then. A later call takes the place of the one before. */
  startWithin(timeoutMs: number, late: () => void): void {
    clearTimeout(this.#startTimer);
    this.#startTimer = setTimeout(late, timeoutMs);
  }

  /** Calls `late` when it has not ended by then. A later call takes the place of the one before. */
  endWithin(timeoutMs: number, late: () => void): void {
    clearTimeout(this.#killTimer);
    this.#killTimer = setTimeout(late, timeoutMs);
  }

  run(): void {
    this.#stage = 'running';
    clearTimeout(this.#startTimer);
    this.#resolveReady(true);
  }

  /** It is to end for this cause, unless there is one already. Gives the one that counts. */
  blame(cause: EndCause): EndCause {
    this.#cause ??= cause;
    return this.#cause;
  }

  /** The same. `reason` continues "the process …"; `step` and `message` say why its start failed, if it was not over. */
  blameFor(
    reason: string,
    step: StartFailureDetail['step'] = 'exit',
    message = `The process ${reason}.`,
  ): EndCause {
    const failure = this.#stage === 'running' ? undefined : { step, message, stack: '' };
    return this.blame({ reason, failure });
  }

  /** Its time to start, which was so long, is over; `what` it has not done. */
  blameLateStart(timeoutMs: number, what: string): void {
    const seconds = timeoutMs / 1000;
    this.blameFor(`was not ready within ${seconds} s`, 'timeout', `After ${seconds} s ${what}.`);
  }

  /** It, its group and its output are over. Both null: it never was there. Gives why. */
  end(exitCode: number | null, signal: NodeJS.Signals | null, heap?: HeapReport): EndCause {
    const cause = this.blameFor(exitReason(exitCode, signal));
    this.#stage = 'ended';
    clearTimeout(this.#startTimer);
    clearTimeout(this.#killTimer);
    this.#resolveReady(false);
    this.#resolveGone({ ...cause, exitCode, signal, heap });
    return cause;
  }
}
