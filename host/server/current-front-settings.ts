import type { FrontSettings } from '../front/messages.js';
import type { Closure } from '../runtime/closed-runtime.js';

/** What maintenance says: what is closed, everything or some virtual hosts. */
export type Maintained = Pick<FrontSettings, 'closed' | 'closedHosts'>;

/**
 * The settings that fronts are to have now: those of `host.yaml`, what is closed over them, and which front does what
 * only one of several may do. State: the last of each. Owned by `FrontProcesses`, which tells the fronts.
 */
export class CurrentFrontSettings {
  /** As the configuration gives them. */
  given: FrontSettings;
  /** Nothing is served; stands above maintenance. */
  suspended: Closure | undefined;
  maintained: Maintained = {};
  readonly #fronts: number;

  constructor(given: FrontSettings, fronts: number) {
    this.given = given;
    this.#fronts = fronts;
  }

  /** For the front of this number, from 1. Of several fronts the first rotates the access log that all of them write. */
  of(front: number): FrontSettings {
    const closed = this.suspended ?? this.maintained.closed;
    const alone = { ...this.given, ...this.maintained, closed };
    if (this.#fronts === 1) return alone;
    const settings = { ...alone, hasSiblings: true, fronts: this.#fronts };
    const { accessLog } = settings;
    if (accessLog === undefined) return settings;
    return { ...settings, accessLog: { ...accessLog, shared: { rotates: front === 1 } } };
  }
}
