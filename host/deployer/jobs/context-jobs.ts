import type { JobSettings } from '../../config/schedule-settings.js';
import { messageOf, PorticoError } from '../../errors.js';
import { askInstance } from '../ask-instance.js';
import type { DeployerLog } from '../collaborators.js';
import type { Running, Version } from '../version.js';
import { type CronTimer, startCronTimer } from './cron-timer.js';
import { type JobRun, JobRuns } from './job-runs.js';
import type { JobStatus } from './jobs.js';

/** What the jobs of a context work with. */
export interface ContextJobsParts {
  readonly path: string;
  readonly log: DeployerLog;
  /** What serves, as soon as it does; a lazy context is started for it. Rejects when nothing will, or not in time. */
  readonly serving: (timeoutMs: number) => Promise<Running>;
  /** A job ends: whatever watches the application for use hears of it. */
  readonly used: () => void;
}

/**
 * The scheduled jobs of one context: those that the version wants which stands for it. Each run is one request to one
 * instance, or one call of a function there; runs go on while versions come and go. Nothing is made up for: what was
 * due while the host was down, or the application was stopped, is left out. Owned by the context; owns the timers.
 */
export class ContextJobs {
  readonly #parts: ContextJobsParts;
  /** By name of the job; also of jobs that are not wanted any more, as long as they run. */
  readonly #runs = new Map<string, JobRuns>();
  #schedule: readonly JobSettings[] = [];
  #application = '';
  #timers = new Map<string, CronTimer>();

  constructor(parts: ContextJobsParts) {
    this.#parts = parts;
  }

  get isBusy(): boolean {
    for (const runs of this.#runs.values()) if (runs.isBusy) return true;
    return false;
  }

  /** This version stands for the context, and wants these jobs; the same list again changes nothing. */
  follow(version: Pick<Version, 'name'> | undefined, schedule: readonly JobSettings[]): void {
    this.#application = version?.name ?? this.#application;
    if (schedule === this.#schedule || (schedule.length === 0 && this.#schedule.length === 0)) return;
    this.#schedule = schedule;
    for (const timer of this.#timers.values()) timer.stop();
    const timers = new Map<string, CronTimer>();
    this.#timers = timers;
    for (const [name, runs] of this.#runs)
      if (!runs.isBusy && schedule.every((job) => job.name !== name)) this.#runs.delete(name);
    for (const job of schedule) void this.#startTimer(job, timers);
  }

  statuses(): JobStatus[] {
    return this.#schedule.map((job) => ({
      ...job,
      next: this.#timers.get(job.name)?.next()?.toISOString(),
      runs: this.#runs.get(job.name)?.recent ?? [],
    }));
  }

  /** Undefined: there is no such job. */
  run(name: string): JobRun | undefined {
    const job = this.#schedule.find((one) => one.name === name);
    return job === undefined ? undefined : this.#runsOf(job).start(job, 'operator');
  }

  /** No run begins any more. */
  stop(): void {
    this.follow(undefined, []);
    for (const runs of this.#runs.values()) runs.close();
  }

  async #startTimer(job: JobSettings, timers: Map<string, CronTimer>): Promise<void> {
    const { name, cron, zone } = job;
    try {
      const timer = await startCronTimer(cron, zone, () => void this.#runsOf(job).start(job, 'schedule'));
      // The library was being loaded meanwhile.
      if (this.#timers === timers) timers.set(name, timer);
      else timer.stop();
    } catch (error) {
      const { log, path } = this.#parts;
      const application = this.#application;
      const fields = {
        code: 'PORTICO_CRON_INVALID',
        event: 'job-failed',
        application,
        path,
        job: name,
        err: error,
      };
      log.error(fields, `${application}: job ${name} is never run: ${messageOf(error)}`);
    }
  }

  #runsOf({ name }: JobSettings): JobRuns {
    let runs = this.#runs.get(name);
    if (runs === undefined) {
      runs = new JobRuns(
        (job, run) => this.#work(job, run),
        (job, run) => this.#ended(job, run),
      );
      this.#runs.set(name, runs);
    }
    return runs;
  }

  async #work(job: JobSettings, { number }: JobRun): Promise<string | undefined> {
    const { timeoutMs } = job;
    const until = performance.now() + timeoutMs;
    const running = await this.#parts.serving(timeoutMs);
    const leftMs = Math.max(1, Math.round(until - performance.now()));
    const work =
      job.path === undefined ? call(running, job, number, leftMs) : ask(running, job, job.path, leftMs);
    // Who ends this deployment waits for it.
    running.work ??= new Set();
    running.work.add(work);
    try {
      return await work;
    } finally {
      running.work.delete(work);
      this.#parts.used();
    }
  }

  #ended({ name }: JobSettings, { outcome, reason, ms, number }: JobRun): void {
    if (outcome !== 'failed' && outcome !== 'skipped') return;
    const { log, path } = this.#parts;
    const application = this.#application;
    const fields = { event: `job-${outcome}`, application, path, job: name, run: number, ms, reason };
    if (outcome === 'failed') log.warn(fields, `${application}: job ${name} failed: ${reason}`);
    else log.info(fields, `${application}: a run of job ${name} is left out: ${reason}`);
  }
}

/** A request to one instance. */
async function ask(
  { version, prepared, process }: Running,
  { name, method }: JobSettings,
  path: string,
  timeoutMs: number,
): Promise<undefined> {
  const [address] = process?.addresses() ?? [];
  if (address === undefined) throw new PorticoError('PORTICO_JOB_FAILED', 'no instance is ready');
  const status = await askInstance(address, {
    method,
    path,
    contextPath: version.order.context.contextPath,
    prefix: prepared.manifest.settings.prefix,
    fields: ['user-agent', 'portico-job', 'portico-job', name],
    timeoutMs,
    until: 'end',
  });
  if (status < 200 || status > 399)
    throw new PorticoError('PORTICO_JOB_FAILED', `${method} ${path} gave status ${status}`);
}

/** A function in one instance. */
async function call(
  { process }: Running,
  { name: job, function: name = '', module, overlap }: JobSettings,
  number: number,
  timeoutMs: number,
): Promise<string> {
  if (process?.runFunction === undefined)
    throw new PorticoError('PORTICO_JOB_FAILED', 'the application has no functions');
  return process.runFunction({ job, number, name, module, mayOverlap: overlap === 'allow', timeoutMs });
}
