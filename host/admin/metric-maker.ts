import { Counter, Gauge, type Registry } from 'prom-client';

/** Makes the metrics of one registry. */
export class MetricMaker {
  readonly #registers: Registry[];

  constructor(registry: Registry) {
    this.#registers = [registry];
  }

  counter<T extends string>(name: string, help: string, labelNames: readonly T[]): Counter<T> {
    return new Counter({ name, help, labelNames, registers: this.#registers });
  }

  gauge<T extends string>(name: string, help: string, labelNames: readonly T[]): Gauge<T> {
    return new Gauge({ name, help, labelNames, registers: this.#registers });
  }
}
