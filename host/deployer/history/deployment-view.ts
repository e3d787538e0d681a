import type { DrainReport } from '../../front/drains/drain-report.js';
import { keptOf } from './deployment-history.js';
import { type DeploymentRecord, stepOf } from './deployment-record.js';
import type { DeploymentStep } from './deployment-steps.js';
import type { Pin } from './journal.js';

/** One deployment of an application as operators see it. */
export interface DeploymentView {
  /** Counts up from 1 for each application; what `rollback` goes by. */
  readonly number: number;
  /** How far it has come. */
  readonly step: DeploymentStep;
  /** Why it began: new files, a start or a reload by hand, a rollback, or a return to what worked. */
  readonly trigger: DeploymentRecord['trigger'];
  /** Of its content; undefined before that was known. */
  readonly fingerprint: string | undefined;
  /** Id in routes and logs. */
  readonly deployment: string | undefined;
  /** Its steps, oldest first: when each was reached (ISO 8601), and the milliseconds since the step before. */
  readonly steps: DeploymentRecord['steps'];
  /** Why it failed or was ended early. */
  readonly cause: string | undefined;
  /** What became of what it had open when it drained; absent: nothing was. */
  readonly drained?: DrainReport;
  /** Its content is kept, so it can be rolled back to. */
  readonly isKept: boolean;
  /** It serves although the drop folder holds other content, after a rollback. */
  readonly isPinned: boolean;
}

/** Newest first. */
export function viewsOf(
  records: readonly DeploymentRecord[],
  limit: number,
  pin: Pin | undefined,
): readonly DeploymentView[] {
  const kept = new Set(keptOf(records, limit));
  return [...records].reverse().map((record) => {
    const { number, trigger, fingerprint, deployment, steps, cause, drained } = record;
    const step = stepOf(record) ?? 'seen';
    const isPinned = pin !== undefined && step === 'serving' && record.key === pin.key;
    return {
      number,
      step,
      trigger,
      fingerprint,
      deployment,
      steps,
      cause,
      ...(drained === undefined ? {} : { drained }),
      isKept: kept.has(record),
      isPinned,
    };
  });
}
