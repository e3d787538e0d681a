import type { JobStatus } from '../deployer/jobs/jobs.js';
import { PorticoError } from '../errors.js';
import { AdminClient } from './admin-client.js';
import { configOf, type OutputOptions } from './base-options.js';
import { forTerminal } from './for-terminal.js';
import { textTable } from './text-table.js';

/** `portico jobs NAME [run JOB]`: the scheduled jobs of an application, or a run of one of them now. */
export async function jobs(
  name: string,
  verb: 'run' | undefined,
  job: string | undefined,
  options: OutputOptions,
): Promise<void> {
  const client = AdminClient.of(configOf(options));
  if (verb === undefined) {
    const list = await client.jobs(name);
    process.stdout.write(options.json ? `${JSON.stringify(list, null, 2)}\n` : jobTable(list));
    return;
  }
  if (job === undefined)
    throw new PorticoError('PORTICO_JOB_UNKNOWN', `name the job: portico jobs ${name} run JOB`);
  const run = await client.runJob(name, job);
  process.stdout.write(
    options.json
      ? `${JSON.stringify(run, null, 2)}\n`
      : `run ${run.number} of ${job}: ${run.outcome}${run.reason === undefined ? '' : `, ${run.reason}`}\n`,
  );
}

/** A line for each job, with its last run. */
function jobTable(list: readonly JobStatus[]): string {
  if (list.length === 0) return 'it has no scheduled jobs, or is stopped\n';
  return textTable(
    ['JOB', 'CRON', 'ZONE', 'WHAT', 'NEXT', 'LAST', 'OUTCOME', 'TOOK', 'NOTE'],
    list.map(({ name, cron, zone = '', next = 'never', runs: [last], ...work }) => [
      name,
      cron,
      zone,
      forTerminal(workOf(work)),
      next,
      last?.startedAt ?? '',
      last?.outcome ?? '',
      last?.ms === undefined ? '' : `${last.ms} ms`,
      forTerminal(shortened(last?.reason ?? last?.result ?? '')),
    ]),
  );
}

function workOf({
  method,
  path,
  function: name,
  module,
}: Pick<JobStatus, 'method' | 'path' | 'function' | 'module'>): string {
  if (path !== undefined) return `${method} ${path}`;
  return module === undefined ? `${name}()` : `${module}#${name}()`;
}

/** The whole text is in the JSON. */
function shortened(text: string): string {
  return text.length > MAX_NOTE ? `${text.slice(0, MAX_NOTE)}…` : text;
}

const MAX_NOTE = 100;
