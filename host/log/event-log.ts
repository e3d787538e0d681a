/**
 * One thing that happened: a line of the server log with a field `event`. Names of events are a fixed set in the code,
 * in kebab-case: `deployed`, `restarting`, `memory-limit`.
 */
export interface HostEvent {
  /** Counts up from 1 with the start of the server. */
  readonly number: number;
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly level: string;
  readonly event: string;
  /** `''`: the host itself. */
  readonly application: string;
  readonly message: string;
  /** The other fields of the line. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** How often an event occurred since the server started. */
export interface EventCount {
  readonly event: string;
  readonly application: string;
  readonly count: number;
}

/** Events that are kept of one application; older ones are dropped. */
const KEPT_EVENTS = 100;
/** Applications that are remembered, so that names that come and go cannot fill the memory. */
const KEPT_APPLICATIONS = 2_000;
/** Details beyond this size in characters are left out: a stack, or what an application printed. */
const MAX_DETAILS = 4_096;

/**
 * The last events of each application and of the host, and how often each occurred. Filled by the server's log, so that
 * what an operator reads there, what the admin API lists and what is counted is the same. Owned by whoever makes the log.
 */
export class EventLog {
  /** Application → its last events, oldest first. The application with the oldest last event comes first. */
  readonly #recent = new Map<string, HostEvent[]>();
  /** Application → event → count. */
  readonly #counts = new Map<string, Map<string, number>>();
  #number = 0;

  /** Takes a line of the log, as JSON; lines without an event are of no interest. */
  take(line: string): void {
    if (!line.includes('"event":"')) return;
    const { level, time, event, application, msg, ...details } = JSON.parse(line) as Record<string, unknown>;
    if (typeof event !== 'string') return;
    const name = typeof application === 'string' ? application : '';
    this.#keep({
      number: ++this.#number,
      time: String(time),
      level: String(level),
      event,
      application: name,
      message: String(msg ?? ''),
      details: JSON.stringify(details).length > MAX_DETAILS ? {} : details,
    });
    const counts = this.#counts.get(name) ?? new Map<string, number>();
    this.#counts.set(name, counts.set(event, (counts.get(event) ?? 0) + 1));
  }

  /** Oldest first. `application`: only its events, `''` for those of the host; `after`: only those with a higher number. */
  list({ application, after = 0 }: { application?: string | undefined; after?: number } = {}): HostEvent[] {
    const lists =
      application === undefined ? [...this.#recent.values()] : [this.#recent.get(application) ?? []];
    return lists
      .flat()
      .filter(({ number }) => number > after)
      .sort((left, right) => left.number - right.number);
  }

  counts(): EventCount[] {
    return [...this.#counts].flatMap(([application, counts]) =>
      [...counts].map(([event, count]) => ({ event, application, count })),
    );
  }

  #keep(event: HostEvent): void {
    const { application } = event;
    const events = this.#recent.get(application) ?? [];
    events.push(event);
    if (events.length > KEPT_EVENTS) events.shift();
    this.#recent.delete(application);
    this.#recent.set(application, events);
    if (this.#recent.size <= KEPT_APPLICATIONS) return;
    const [oldest] = this.#recent.keys();
    if (oldest === undefined) return;
    this.#recent.delete(oldest);
    this.#counts.delete(oldest);
  }
}
