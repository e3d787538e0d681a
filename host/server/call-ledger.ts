import type { CallTotals } from '../admin/traffic.js';
import { counted } from '../counted.js';
import type { CallCounts } from '../front/messages.js';
import type { ServerLog } from '../log/server-log.js';
import { SpacedEvents } from './spaced-events.js';

/** Pairs of caller and called that are remembered, so that applications that come and go cannot fill the memory. */
const MAX_PAIRS = 10_000;

/**
 * Adds up what fronts report of the calls between applications, and tells by an event that calls were refused: it is the
 * caller's list, or its code, that is wrong.
 */
export class CallLedger {
  readonly #log: ServerLog;
  readonly #events = new SpacedEvents();
  readonly #pairs = new Map<string, { caller: string; target: string; calls: number; refused: Refusals }>();

  constructor(log: ServerLog) {
    this.#log = log;
  }

  take(counts: readonly CallCounts[] = [], now = performance.now()): void {
    for (const { caller, target, calls, refused, lastRefused } of counts) {
      const pair = this.#pair(caller, target);
      pair.calls += calls;
      for (const [reason, count] of Object.entries(refused)) {
        pair.refused[reason] = (pair.refused[reason] ?? 0) + count;
        this.#tell(caller, reason, count, lastRefused, now);
      }
    }
  }

  totals(): readonly CallTotals[] {
    return [...this.#pairs.values()];
  }

  #tell(caller: string, reason: string, count: number, host: string, now: number): void {
    const requests = this.#events.count(`${caller} ${reason}`, count, now);
    if (requests === undefined) return;
    this.#log.warn(
      { event: 'call-refused', application: decodeURI(caller), reason, host, requests },
      `${caller === '' ? 'somebody unknown' : caller}: ${counted(requests, 'call')} refused, ${TOLD[reason] ?? reason}; the last was to ${JSON.stringify(host)}`,
    );
  }

  #pair(caller: string, target: string) {
    const key = `${caller} ${target}`;
    const pair = this.#pairs.get(key) ?? { caller, target, calls: 0, refused: {} };
    this.#pairs.set(key, pair);
    const [oldest] = this.#pairs.keys();
    if (this.#pairs.size > MAX_PAIRS && oldest !== undefined) this.#pairs.delete(oldest);
    return pair;
  }
}

type Refusals = Record<string, number>;

const TOLD: Readonly<Record<string, string>> = {
  'call-unproven': 'without proof of who calls',
  'call-host': 'for a host that is no application',
  'call-not-allowed': 'to an application that is not in its list',
  'call-unknown': 'to an application that is not deployed',
  'call-loop': 'having gone through too many applications',
  'call-limit': 'beyond those it may have under way',
};
