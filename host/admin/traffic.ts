import type { CallCounts, ContextCounts } from '../front/messages.js';

/** What all fronts have counted since the server started; survives every front. */
export interface TrafficTotals {
  /** Cumulative, one for each context in the mapping, and one for requests that no context answered. */
  readonly contexts: readonly ContextCounts[];
  /** Now. */
  readonly openConnections: number;
  readonly acceptedConnections: number;
  /** By reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** By reason. */
  readonly closedByLimit: Readonly<Record<string, number>>;
  readonly droppedLogLines: number;
  /** Cumulative, by caller and called. Absent: none. */
  readonly calls?: readonly CallTotals[];
}

/** What one application has called of another since the server started. */
export type CallTotals = Omit<CallCounts, 'lastRefused'>;

/** One front as operators see it. */
export interface FrontStatus {
  readonly number: number;
  readonly pid: number | undefined;
  readonly state: 'starting' | 'running' | 'waiting' | 'draining' | 'stopped';
  readonly restarts: number;
  readonly startedAt: string | undefined;
}
