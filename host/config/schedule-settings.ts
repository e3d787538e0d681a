import { z } from 'zod';
import { readRequestPath } from './health-settings.js';
import { duration, leaf, section, show, word } from './setting-types.js';

/** A job of an application: a request that the host makes to one of its instances, or a function that it calls, again and again. */
export interface JobSettings {
  /** Letters, digits, `-`, `_`, `.`; unique within the application. */
  readonly name: string;
  /** When: five fields, or six with seconds in front, or `@daily` and the like. */
  readonly cron: string;
  /** Time zone of `cron`, `Europe/Berlin`. Default: that of the host. */
  readonly zone: string | undefined;
  /** Path and query within the application. Undefined: it is a function. */
  readonly path: string | undefined;
  /** Name of an export that is called. Undefined: it is a request. */
  readonly function?: string | undefined;
  /** File within the bundle that exports it. Default: the entry, or the first module that has it. */
  readonly module?: string | undefined;
  /** Default POST. */
  readonly method: 'GET' | 'POST';
  /** For starting the application, if need be, and the whole answer. Default 10m. */
  readonly timeoutMs: number;
  /** What becomes of a run that is due while the one before goes on. Default skip. */
  readonly overlap: 'skip' | 'queue' | 'allow';
}

const MAX_JOBS = 100;
const DEFAULT_TIMEOUT_MS = 600_000;

/** What cron is made of; whether it makes sense is found out by who reads it, see `checkCron`. */
const CRON = /^(?:@[a-z]+|[0-9A-Za-z*,/#?LW+-]+(?: +[0-9A-Za-z*,/#?LW+-]+){4,5})$/;

const FUNCTION = /^[\p{L}_$][\p{L}\p{N}_$]*(?:\.[\p{L}_$][\p{L}\p{N}_$]*)*$/u;

const jobSchema = section({
  name: leaf((value, fail) =>
    typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(value)
      ? value
      : fail(`${show(value)} is no name of a job: up to 64 letters, digits, dots, "-" and "_"`),
  ),
  cron: leaf((value, fail) =>
    typeof value === 'string' && CRON.test(value.trim())
      ? value.trim()
      : fail(
          `${show(value)} is no cron expression: minute, hour, day, month, weekday, as in "15 3 * * *", or @daily`,
        ),
  ),
  zone: leaf((value, fail) =>
    typeof value === 'string' && isZone(value)
      ? value
      : fail(`${show(value)} is no time zone: write UTC or a name like Europe/Berlin`),
  ).optional(),
  path: leaf(readRequestPath).optional(),
  function: leaf((value, fail) =>
    typeof value === 'string' && FUNCTION.test(value) && value.length <= 200
      ? value
      : fail(
          `${show(value)} is no name of a function: write that of an export, as in cleanUp or jobs.cleanUp`,
        ),
  ).optional(),
  module: leaf((value, fail) =>
    typeof value === 'string' && /^[^#\p{Cc}]{1,1024}$/u.test(value)
      ? value
      : fail(`${show(value)} is no file: write its path within the bundle, as in dist/jobs.js`),
  ).optional(),
  method: word(['GET', 'POST']).optional(),
  timeout: duration({ min: 100, max: 24 * 3_600_000 }).optional(),
  overlap: word(['skip', 'queue', 'allow']).optional(),
});

/** `schedule:` of an application: a list of jobs. It replaces the list of whoever it overrides as a whole. */
export const scheduleSchema = z
  .array(jobSchema)
  .max(MAX_JOBS, `at most ${MAX_JOBS} jobs`)
  .superRefine((jobs, context) => {
    for (const [index, job] of jobs.entries()) {
      const { name } = job;
      const [key, message] = misfit(job) ?? [];
      if (key !== undefined) context.addIssue({ code: 'custom', path: [index, key], message });
      if (jobs.findIndex((job) => job.name === name) === index) continue;
      context.addIssue({
        code: 'custom',
        path: [index, 'name'],
        message: `${show(name)} is the name of another job`,
      });
    }
  });

/** Keys that do not go together. */
function misfit(job: z.output<typeof jobSchema>): readonly [key: string, message: string] | undefined {
  const { path, module, method } = job;
  if (path === undefined && job.function === undefined)
    return ['path', 'is missing: a job has a path, or a function'];
  if (path !== undefined && job.function !== undefined)
    return ['function', 'a job has a path or a function, not both: take one away'];
  if (module !== undefined && path !== undefined) return ['module', 'is for a function: take it away'];
  if (method !== undefined && path === undefined) return ['method', 'is for a path: take it away'];
  return undefined;
}

/** The jobs with their defaults. */
export function applySchedule(
  base: readonly JobSettings[] = [],
  given: z.output<typeof scheduleSchema> | undefined,
): readonly JobSettings[] {
  return (
    given?.map((job) => ({
      name: job.name,
      cron: job.cron,
      zone: job.zone,
      path: job.path,
      function: job.function,
      module: job.module,
      method: job.method ?? 'POST',
      timeoutMs: job.timeout ?? DEFAULT_TIMEOUT_MS,
      overlap: job.overlap ?? 'skip',
    })) ?? base
  );
}

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    // RangeError is how Intl says no.
    return false;
  }
}
