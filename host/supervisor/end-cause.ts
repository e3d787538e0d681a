import { messageOf } from '../errors.js';
import { formatSize } from '../units.js';
import type { InstanceEnd, LimitExcess } from './instance-end.js';

/** Why a process is ended, or never was there. */
export type EndCause = Pick<InstanceEnd, 'reason' | 'failure'>;

/** How a process ended, as the system tells, in words that continue "the process …": `exited with code 1`. */
export function exitReason(code: number | null, signal: NodeJS.Signals | null): string {
  return signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
}

/** The system gave us no process. */
export function spawnFailure(error: unknown): EndCause {
  const message = `The process could not be started: ${messageOf(error)}.`;
  return { reason: 'could not be started', failure: { step: 'spawn', message, stack: '' } };
}

/** Set when a process uses more than `limits.memory`, both in bytes; 0: no limit. It is killed for that. */
export function memoryExcess(rssBytes: number, maxMemoryBytes: number): LimitExcess | undefined {
  if (maxMemoryBytes === 0 || rssBytes <= maxMemoryBytes) return undefined;
  const used = Math.ceil(rssBytes / 1024 ** 2);
  const reason = `used ${used}MiB of memory, limits.memory is ${formatSize(maxMemoryBytes)}, and was killed`;
  return { event: 'memory-limit', reason, used: rssBytes, limit: maxMemoryBytes };
}
