import { PorticoError } from '../../errors.js';
import { type DeploymentRecord, hasServed, stepOf } from './deployment-record.js';

/** Records of one application beyond this are forgotten, oldest first, unless their content is kept. */
const MAX_RECORDS = 30;

/**
 * Of the deployments of one application, oldest first: those whose content is kept, so that it can serve again. These
 * are all deployments of the last `limit` different contents that have served; those that failed while they served come
 * last, so that a row of bad ones never displaces the one that works.
 */
export function keptOf(records: readonly DeploymentRecord[], limit: number): readonly DeploymentRecord[] {
  const keys = new Set<string>();
  const mayBeKept = records.filter((record) => hasServed(record) && stepOf(record) !== 'removed');
  const newestFirst = [...mayBeKept].reverse();
  const failed = newestFirst.filter(({ key }) => !isSound(mayBeKept, key));
  for (const { key } of [...newestFirst.filter((record) => !failed.includes(record)), ...failed]) {
    if (key !== undefined && keys.size < Math.max(1, limit)) keys.add(key);
  }
  return mayBeKept.filter(({ key }) => key !== undefined && keys.has(key));
}

/** Whether a content did not fail when it served last: on probation, or by its crashes. */
export function isSound(records: readonly DeploymentRecord[], key: string | undefined): boolean {
  const last = records.findLast((record) => record.key === key && hasServed(record));
  return last?.steps.some(({ step }) => step === 'failed') !== true;
}

/** How many contents are kept of an application: what its last deployment asked for. */
export function limitOf(records: readonly DeploymentRecord[], fallback: number): number {
  return records.findLast(({ history }) => history !== undefined)?.history ?? fallback;
}

/** The records that stay, oldest first. */
export function retained(records: readonly DeploymentRecord[], limit: number): readonly DeploymentRecord[] {
  // A content that is deployed at each start of the host needs no more than its first and its last deployment.
  const kept = new Set<DeploymentRecord>();
  const served = keptOf(records, limit);
  for (const record of served) {
    const isOldest = served.find(({ key }) => key === record.key) === record;
    const isNewest = served.findLast(({ key }) => key === record.key) === record;
    if (isOldest || isNewest) kept.add(record);
  }
  const first = records.length - MAX_RECORDS;
  return records.filter((record, index) => index >= first || kept.has(record));
}

/**
 * The deployment to go back to. `current` is the key of what serves. Without `to` it is the last one that served before
 * that content first did, so that going back twice goes back twice, and none that failed while it served if there is
 * another; `to` is a number, or the beginning of a fingerprint.
 * Throws `PORTICO_ROLLBACK_IMPOSSIBLE`.
 */
export function rollbackTarget(
  name: string,
  records: readonly DeploymentRecord[],
  limit: number,
  current: string | undefined,
  to: string | undefined,
): DeploymentRecord {
  const kept = keptOf(records, limit);
  const others = kept.filter(({ key }) => key !== current);
  if (to === undefined) {
    const began = records.find((record) => record.key === current && hasServed(record))?.number;
    const older = others.filter(({ number }) => began === undefined || number < began);
    const target = older.findLast(({ key }) => isSound(records, key)) ?? older.at(-1);
    if (target !== undefined) return target;
    throw impossible(`there is nothing older of ${name} to go back to; ${listed(name, others)}`);
  }
  const isNumber = /^#?\d{1,6}$/.test(to);
  const number = Number(to.replace('#', ''));
  const matches = (record: DeploymentRecord): boolean =>
    isNumber ? record.number === number : to.length >= 6 && record.fingerprint?.startsWith(to) === true;
  const target = kept.findLast(matches);
  if (target === undefined) {
    const hint = isNumber || to.length >= 6 ? '' : ' A fingerprint is given by six digits of it or more.';
    throw impossible(`no deployment ${to} of ${name} is kept; ${listed(name, others)}${hint}`);
  }
  if (!isNumber && new Set(kept.filter(matches).map(({ fingerprint }) => fingerprint)).size > 1) {
    throw impossible(`several contents of ${name} begin with ${to}; give more digits of the fingerprint.`);
  }
  if (target.key === current) throw impossible(`${name} serves deployment ${to} already.`);
  return target;
}

function listed(name: string, others: readonly DeploymentRecord[]): string {
  const numbers = [...new Set(others.map(({ number }) => number))].join(', ');
  return numbers === ''
    ? `no other content of it is kept; "portico history ${name}" shows what there was.`
    : `one of these can be named: ${numbers}; "portico history ${name}" shows them.`;
}

function impossible(message: string): PorticoError {
  return new PorticoError('PORTICO_ROLLBACK_IMPOSSIBLE', message);
}
