import type { Counter, Gauge, Registry } from 'prom-client';
import type { SpareStatus } from '../supervisor/spares/spare-processes.js';
import { MetricMaker } from './metric-maker.js';

/** The processes that wait for an application; without any wanted there are no such series. */
export class SpareMetrics {
  readonly #processes: Gauge<'kind' | 'state'>;
  readonly #resident: Gauge;
  readonly #starts: Counter<'outcome'>;

  constructor(registry: Registry) {
    const make = new MetricMaker(registry);
    this.#processes = make.gauge('portico_spare_processes', 'Processes that wait for an application', [
      'kind',
      'state',
    ]);
    this.#resident = make.gauge('portico_spare_resident_bytes', 'Resident memory of these', []);
    this.#starts = make.counter('portico_spare_starts_total', 'Starts of instances, and spares lost', [
      'outcome',
    ]);
  }

  take(status: SpareStatus | undefined): void {
    for (const metric of [this.#processes, this.#resident, this.#starts]) metric.reset();
    if (status === undefined || !wantsSpares(status)) return;
    const { wanted, processes, used, missed, unfit, lost } = status;
    for (const kind of ['server', 'framework'] as const) {
      if (wanted[kind] === 0) continue;
      for (const state of ['starting', 'ready'] as const) {
        const count = processes.filter((one) => one.kind === kind && one.state === state).length;
        this.#processes.set({ kind, state }, count);
      }
    }
    this.#resident.set(processes.reduce((sum, { rssBytes }) => sum + rssBytes, 0));
    for (const [outcome, count] of Object.entries({ used, missed, unfit, lost }))
      this.#starts.inc({ outcome }, count);
  }
}

/** Whether the host is to have spares at all. */
function wantsSpares({ wanted }: SpareStatus): boolean {
  return wanted.server + wanted.framework > 0;
}
