import { counted } from '../counted.js';
import type { ContextCounts, UpstreamReport } from '../front/messages.js';
import type { ServerLog } from '../log/server-log.js';
import { SpacedEvents } from './spaced-events.js';

/**
 * Tells by an event that requests of an application met a limit, or failed at a server elsewhere. Fed with what the
 * fronts report.
 */
export class LimitEvents {
  readonly #log: ServerLog;
  readonly #events = new SpacedEvents();

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

  /** Clients are told nothing of the reason; here it is. */
  upstreamFailed({ context, application, failures }: UpstreamReport, now = performance.now()): void {
    for (const { url, reason, requests: count } of failures) {
      const requests = this.#events.count(`${context} ${url}`, count, now);
      if (requests === undefined) continue;
      this.#log.warn(
        { event: 'upstream-failed', application, path: context, url, reason, requests },
        `${application}: ${counted(requests, 'request')} to ${url} failed: ${reason}`,
      );
    }
  }

  /** The context has left the mapping. */
  forget(context: string): void {
    this.#events.forget(`${context} `);
  }

  #count(context: string, application: string, reason: string, count: number, now: number): void {
    const requests = this.#events.count(`${context} ${reason}`, count, now);
    if (requests === undefined) return;
    this.#log.warn(
      { event: reason, application, path: context, requests },
      `${application}: ${counted(requests, 'request')} ${TOLD[reason] ?? `met the limit ${reason}`}`,
    );
  }
}

const TOLD: Readonly<Record<string, string>> = {
  'queue-full': 'sent away, since the queue for its start is full',
  'queue-timeout': 'sent away after waiting too long',
  'concurrency-limit': 'sent away, since it answers as many as it may and the queue is full',
  'output-rate': 'slowed down to the output rate',
  'body-limit': 'answered with 413, as the body was larger than limits.body',
};
