import { EventLog, type HostEvent } from '#host/log/event-log.js';
import { createServerLog, type ServerLog } from '#host/log/server-log.js';

/** A log that prints nothing and keeps its events. */
export class RecordedEvents {
  readonly log: ServerLog;
  readonly #events = new EventLog();

  constructor() {
    this.log = createServerLog({
      format: 'json',
      out: { write: () => undefined },
      events: this.#events,
    });
  }

  /** Oldest first. */
  of(event: string): readonly HostEvent[] {
    return this.#events.list().filter((one) => one.event === event);
  }
}
