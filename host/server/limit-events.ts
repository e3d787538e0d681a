import type { ContextCounts } from '../front/messages.js';
import type { ServerLog } from '../log/server-log.js';

/** An event stands for what has come together in this time, so that a flood of requests is no flood of lines. */
const INTERVAL_MS = 10_000;

/**
 * Tells by an event that requests of an application met a limit: at once the first time, then at most every ten seconds,
 * with how many it were since. Fed with what the fronts report; holds no timer.
 */
export class LimitEvents {
  readonly #log: ServerLog;
  readonly #seen = new Map<string, { toldAt: number; untold: number }>();

  constructor(log: ServerLog) {
    this.#log = log;
  }

  take(contexts: readonly ContextCounts[], now = performance.now()): void {
    for (const { context, application, limited } of contexts) {
      if (limited === undefined) continue;
      for (const [reason, count] of Object.entries(limited))
        this.#count(context, application, reason, count, now);
    }
  }

  /** The context has left the mapping. */
  forget(context: string): void {
    for (const key of this.#seen.keys()) if (key.startsWith(`${context} `)) this.#seen.delete(key);
  }

  #count(context: string, application: string, reason: string, count: number, now: number): void {
    const key = `${context} ${reason}`;
    const seen = this.#seen.get(key) ?? { toldAt: Number.NEGATIVE_INFINITY, untold: 0 };
    this.#seen.set(key, seen);
    seen.untold += count;
    if (now - seen.toldAt < INTERVAL_MS) return;
    this.#log.warn(
      { event: reason, application, path: context, requests: seen.untold },
      `${application}: ${seen.untold} requests ${TOLD[reason] ?? `met the limit ${reason}`}`,
    );
    seen.toldAt = now;
    seen.untold = 0;
  }
}

const TOLD: Readonly<Record<string, string>> = {
  'queue-full': 'were sent away, since the queue for its start is full',
  'queue-timeout': 'were sent away after they had waited too long',
  'concurrency-limit': 'were sent away, since it answers as many as it may and the queue is full',
  'output-rate': 'were slowed down to the output rate',
};
