import { readFileSync } from 'node:fs';
import { systemCodeOf } from './system-error.js';

/** Whether a process with this id exists, also one of another user. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCodeOf(error) === 'EPERM';
  }
}

/**
 * What tells a process from every other that has had the same id, before a restart of the machine too: in a container
 * ids are the same at each start. Undefined where the system does not say (no `/proc`), or when there is no such process.
 */
export function processIdentity(pid: number): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, in parentheses, may hold anything; the 22nd field is the time of the start (proc(5)).
    const startedAt = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return startedAt === undefined ? undefined : `${boot}/${startedAt}`;
  } catch {
    // Not on this system, or it has ended.
    return undefined;
  }
}

/** Whether the process that had this id and identity still runs; without an identity the id alone counts. */
export function isSameProcessAlive(pid: number, identity: string | undefined): boolean {
  if (!isProcessAlive(pid)) return false;
  const now = processIdentity(pid);
  return identity === undefined || now === undefined || now === identity;
}
