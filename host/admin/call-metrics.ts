import type { Counter, Registry } from 'prom-client';
import { MetricMaker } from './metric-maker.js';
import type { TrafficTotals } from './traffic.js';

/** What applications call of each other. There are no such series where none does. */
export class CallMetrics {
  readonly #calls: Counter<'caller' | 'application'>;
  readonly #refused: Counter<'caller' | 'reason'>;

  constructor(registry: Registry) {
    const make = new MetricMaker(registry);
    this.#calls = make.counter('portico_calls_total', 'Calls of applications to others', [
      'caller',
      'application',
    ]);
    this.#refused = make.counter('portico_calls_refused_total', 'Calls that were not let through', [
      'caller',
      'reason',
    ]);
  }

  take({ calls = [] }: TrafficTotals): void {
    for (const metric of [this.#calls, this.#refused]) metric.reset();
    for (const { caller, target, calls: count, refused } of calls) {
      if (count > 0) this.#calls.inc({ caller, application: target }, count);
      for (const [reason, times] of Object.entries(refused)) this.#refused.inc({ caller, reason }, times);
    }
  }
}
