import type { ContextCounts } from '../front/messages.js';
import type { ServerLog } from '../log/server-log.js';
import { SpacedEvents } from './spaced-events.js';

/** Tells by an event that requests of an application met a limit. Fed with what the fronts report. */
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

  /** The context has left the mapping. */
  forget(context: string): void {
    this.#events.forget(`${context} `);
  }

  #count(context: string, application: string, reason: string, count: number, now: number): void {
    const requests = this.#events.count(`${context} ${reason}`, count, now);
    if (requests === undefined) return;
    this.#log.warn(
      { event: reason, application, path: context, requests },
      `${application}: ${requests} requests ${TOLD[reason] ?? `met the limit ${reason}`}`,
    );
  }
}

const TOLD: Readonly<Record<string, string>> = {
  'queue-full': 'were sent away, since the queue for its start is full',
  'queue-timeout': 'were sent away after they had waited too long',
  'concurrency-limit': 'were sent away, since it answers as many as it may and the queue is full',
  'output-rate': 'were slowed down to the output rate',
};
