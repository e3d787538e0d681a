import { quotedName } from '../../bundle/quoted-name.js';
import type { JobSettings } from '../../config/schedule-settings.js';
import { PorticoError } from '../../errors.js';
import { unknownApplication } from '../deployer-errors.js';
import type { JobRun } from './job-runs.js';

/** A scheduled job as operators see it. */
export interface JobStatus extends JobSettings {
  /** ISO 8601; undefined: never again. */
  readonly next: string | undefined;
  /** The last ones, newest first; forgotten with the end of the server. */
  readonly runs: readonly JobRun[];
}

/** What an operator can do with scheduled jobs; implemented by the deployer, used by the admin API. */
export interface Jobs {
  /** By name of a version, name of the application, or path. Empty while it is stopped. Throws `PORTICO_APPLICATION_UNKNOWN`. */
  list(nameOrPath: string): readonly JobStatus[];
  /** Begins a run now, by the overlap rule of the job. Throws `PORTICO_JOB_UNKNOWN` too. */
  run(nameOrPath: string, job: string): JobRun;
}

/** What a place does for its jobs. */
export interface JobPlace {
  jobs(): readonly JobStatus[];
  /** Undefined: there is no such job. */
  runJob(name: string): JobRun | undefined;
}

/** The jobs of all places, by what operators call them. */
export class DeployedJobs implements Jobs {
  readonly #placeOf: (nameOrPath: string) => JobPlace | undefined;

  constructor(placeOf: (nameOrPath: string) => JobPlace | undefined) {
    this.#placeOf = placeOf;
  }

  list(nameOrPath: string): readonly JobStatus[] {
    return this.#require(nameOrPath).jobs();
  }

  run(nameOrPath: string, job: string): JobRun {
    const run = this.#require(nameOrPath).runJob(job);
    if (run !== undefined) return run;
    throw new PorticoError(
      'PORTICO_JOB_UNKNOWN',
      `${quotedName(nameOrPath)} has no job ${quotedName(job)} at the moment; "portico jobs" shows which it has`,
    );
  }

  #require(nameOrPath: string): JobPlace {
    const place = this.#placeOf(nameOrPath);
    if (place === undefined) throw unknownApplication(nameOrPath);
    return place;
  }
}
