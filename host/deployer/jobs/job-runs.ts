import type { JobSettings } from '../../config/schedule-settings.js';
import { messageOf } from '../../errors.js';

/** One run of a job, as operators see it. */
export interface JobRun {
  /** Counts up from 1 with the start of the server, for each job. */
  readonly number: number;
  readonly by: 'schedule' | 'operator';
  /** When it was due, ISO 8601. */
  readonly startedAt: string;
  /** Undefined while it goes on. */
  ms: number | undefined;
  outcome: 'waiting' | 'running' | 'done' | 'failed' | 'skipped';
  /** Why it failed or was skipped. */
  reason: string | undefined;
  /** What its function gave, as text, shortened; undefined: nothing, or it was no function. */
  result?: string | undefined;
}

/** Does a job, and gives what it gave. */
export type JobWork = (job: JobSettings, run: JobRun) => Promise<string | undefined>;

/** Runs that are remembered of one job. */
const KEPT_RUNS = 20;
/** With `overlap: allow`: more at the same time are skipped, so that a job that hangs cannot fill the application. */
const MAX_AT_ONCE = 10;

/**
 * The runs of one job: which of them begin, by the overlap rule, and what became of the last ones. Outlives the
 * deployments of its application; owned by the jobs of the context.
 */
export class JobRuns {
  readonly #work: JobWork;
  readonly #ended: (job: JobSettings, run: JobRun) => void;
  /** Oldest first. */
  readonly #runs: JobRun[] = [];
  readonly #waiting: (() => void)[] = [];
  #active = 0;
  #number = 0;

  /** `work` does the job, and rejects when that fails; `ended` hears of what is over, skipped runs among it. */
  constructor(work: JobWork, ended: (job: JobSettings, run: JobRun) => void) {
    this.#work = work;
    this.#ended = ended;
  }

  /** Newest first. */
  get recent(): readonly JobRun[] {
    return this.#runs.toReversed();
  }

  get isBusy(): boolean {
    return this.#active > 0 || this.#waiting.length > 0;
  }

  /** A run is due. The result changes with what becomes of it. */
  start(job: JobSettings, by: JobRun['by']): JobRun {
    const startedAt = new Date().toISOString();
    const run: JobRun = {
      number: ++this.#number,
      by,
      startedAt,
      ms: undefined,
      outcome: 'waiting',
      reason: undefined,
    };
    this.#keep(run);
    const hindrance = this.#hindrance(job);
    if (hindrance !== undefined) {
      run.outcome = 'skipped';
      run.reason = hindrance;
      this.#ended(job, run);
    } else if (job.overlap === 'queue' && this.#active > 0)
      this.#waiting.push(() => void this.#run(job, run));
    else void this.#run(job, run);
    return run;
  }

  /** Nothing that waits begins any more. */
  close(): void {
    this.#waiting.length = 0;
  }

  #hindrance({ overlap }: JobSettings): string | undefined {
    if (overlap === 'skip' && this.#active > 0) return 'the run before goes on';
    if (overlap === 'queue' && this.#waiting.length > 0) return 'another run waits already';
    if (overlap === 'allow' && this.#active >= MAX_AT_ONCE) return `${MAX_AT_ONCE} runs go on`;
    return undefined;
  }

  async #run(job: JobSettings, run: JobRun): Promise<void> {
    const began = performance.now();
    run.outcome = 'running';
    this.#active++;
    try {
      const result = await this.#work(job, run);
      if (result) run.result = result;
      run.outcome = 'done';
    } catch (error) {
      run.outcome = 'failed';
      run.reason = messageOf(error);
    }
    run.ms = Math.round(performance.now() - began);
    this.#active--;
    this.#ended(job, run);
    this.#waiting.shift()?.();
  }

  #keep(run: JobRun): void {
    this.#runs.push(run);
    const over = this.#runs.findIndex(({ outcome }) => outcome !== 'running' && outcome !== 'waiting');
    if (this.#runs.length > KEPT_RUNS && over >= 0) this.#runs.splice(over, 1);
  }
}
