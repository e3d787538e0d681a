import type { AgentReport } from '../instance/messages.js';
import type { StartFailureDetail } from './deployment-process.js';
import type { HeapReport } from './heap-report.js';

/** A limit that a process is beyond. */
export interface LimitExcess {
  /** Name of the event. */
  readonly event: 'memory-limit' | 'heap-limit' | 'cpu-limit' | 'files-limit';
  /** In words that continue "the process …". */
  readonly reason: string;
  /** In the unit of the limit. */
  readonly used: number;
  readonly limit: number;
}

/** How a process came to its end. */
export interface InstanceEnd {
  /** In words that continue "the process …": `exited with code 1`. */
  readonly reason: string;
  /** As the system says; both null when it never was there. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Set when Node ended it since its heap was full, and it could write it down. */
  readonly heap?: HeapReport | undefined;
  /** Set when it ended before it was ready. */
  readonly failure: Omit<StartFailureDetail, 'lastOutput'> | undefined;
}

/** What a process reports of itself, at each heartbeat. */
export type InstanceStats = Extract<AgentReport, { type: 'stats' }>;
