import type { Metric, Registry } from 'prom-client';

interface ReportedHistogramOptions {
  readonly name: string;
  readonly help: string;
  /** Upper bounds, rising. */
  readonly bounds: readonly number[];
  readonly registry: Registry;
}

interface HistogramValue {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/**
 * A histogram whose observations were counted elsewhere, in the same buckets. The one of prom-client can only
 * observe one by one; of a metric the registry needs no more than what is here.
 */
export class ReportedHistogram {
  readonly name: string;
  readonly help: string;
  readonly type = 'histogram';
  readonly aggregator = 'sum';
  readonly #bounds: readonly number[];
  #values: HistogramValue[] = [];

  constructor({ name, help, bounds, registry }: ReportedHistogramOptions) {
    this.name = name;
    this.help = help;
    this.#bounds = bounds;
    registry.registerMetric(this as unknown as Metric);
  }

  /** Adds one series. `counts` are per bucket, not cumulative, the last beyond the highest bound. */
  take(labels: Readonly<Record<string, string>>, counts: readonly number[], sum: number): void {
    let count = 0;
    for (const [index, le] of [...this.#bounds, '+Inf'].entries()) {
      count += counts[index] ?? 0;
      this.#values.push({ metricName: `${this.name}_bucket`, labels: { ...labels, le }, value: count });
    }
    this.#values.push({ metricName: `${this.name}_sum`, labels, value: sum });
    this.#values.push({ metricName: `${this.name}_count`, labels, value: count });
  }

  /** Forgets all series. */
  reset(): void {
    this.#values = [];
  }

  /** Called by the registry. */
  get(): Promise<object> {
    const { name, help, type, aggregator } = this;
    return Promise.resolve({ name, help, type, aggregator, values: this.#values });
  }
}
