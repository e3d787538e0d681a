import type { ExchangeResult } from '../connector/http1-listener.js';
import type { LimitReason, MountCounters } from '../runtime/mount.js';
import { type ContextCounts, LATENCY_BUCKETS_SECONDS } from './messages.js';

/**
 * What one context has done since the last report. Plain numbers in typed arrays: counting a request makes no object
 * and no string. Outlives the routes of its context, so a redeploy loses no count.
 */
export class ContextCounters implements MountCounters {
  readonly context: string;
  application: string;
  /** Current values. */
  inFlight = 0;
  tunnels = 0;
  queued = 0;
  /** Since the last report. */
  tooLargeBodies = 0;
  readonly #byClass = new Float64Array(6);
  readonly #latency = new Float64Array(BOUNDS_MS.length + 1);
  #latencySumMs = 0;
  #bytesIn = 0;
  #bytesOut = 0;
  #hasCounted = false;
  #reportedInFlight = 0;
  #reportedTunnels = 0;
  #reportedQueued = 0;
  /** Since the last report; undefined: no request has met a limit. */
  #limited: Partial<Record<LimitReason, number>> | undefined;

  constructor(context: string, application: string) {
    this.context = context;
    this.application = application;
  }

  begin(): void {
    this.inFlight++;
  }

  /** A tunnel counts by class and bytes; its life is not a latency. */
  finish(result: ExchangeResult): void {
    const { status, durationMs } = result;
    this.inFlight--;
    this.#hasCounted = true;
    const statusClass = status >= 100 && status < 600 ? Math.trunc(status / 100) : 0;
    this.#byClass[statusClass] = (this.#byClass[statusClass] as number) + 1;
    this.#bytesIn += result.bytesIn;
    this.#bytesOut += result.bytesOut;
    if (status === 101) return;
    let bucket = 0;
    while (bucket < BOUNDS_MS.length && durationMs > (BOUNDS_MS[bucket] as number)) bucket++;
    this.#latency[bucket] = (this.#latency[bucket] as number) + 1;
    this.#latencySumMs += durationMs;
  }

  queue(change: 1 | -1): void {
    this.queued += change;
  }

  limit(reason: LimitReason, times = 1): void {
    this.#limited ??= {};
    this.#limited[reason] = (this.#limited[reason] ?? 0) + times;
  }

  /** The counts since the last `take`; undefined when nothing has changed. */
  take(): ContextCounts | undefined {
    const isSame =
      this.inFlight === this.#reportedInFlight &&
      this.tunnels === this.#reportedTunnels &&
      this.queued === this.#reportedQueued;
    if (!this.#hasCounted && isSame && this.#limited === undefined) return undefined;
    const counts: ContextCounts = {
      context: this.context,
      application: this.application,
      byClass: Array.from(this.#byClass),
      latency: Array.from(this.#latency),
      latencySumSeconds: this.#latencySumMs / 1000,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      inFlight: this.inFlight,
      tunnels: this.tunnels,
      queued: this.queued,
      ...(this.#limited === undefined ? {} : { limited: this.#limited }),
    };
    this.#byClass.fill(0);
    this.#latency.fill(0);
    this.#latencySumMs = this.#bytesIn = this.#bytesOut = 0;
    this.#hasCounted = false;
    this.#reportedInFlight = this.inFlight;
    this.#reportedTunnels = this.tunnels;
    this.#reportedQueued = this.queued;
    this.#limited = undefined;
    return counts;
  }
}

/** Milliseconds: durations come in them. */
const BOUNDS_MS = LATENCY_BUCKETS_SECONDS.map((seconds) => seconds * 1000);
