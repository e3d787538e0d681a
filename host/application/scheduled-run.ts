import type { Application } from './application.js';

/**
 * What a function named by `function:` of a job below `schedule:` gets: one run of that job. What it gives, or what its promise
 * resolves with, is kept as text in the history of the job; what it throws makes the run a failed one.
 */
export interface ScheduledRun {
  /** Name of the job. */
  readonly job: string;
  /** Counts up from 1 with the start of the host, for each job. */
  readonly number: number;
  /** Aborted when the time of the job is over, or the process is to stop. The function MUST end then: nobody else can end it. */
  readonly signal: AbortSignal;
  /** The application in whose process it runs; in servers without the framework there is none. */
  readonly application: Application;
}
