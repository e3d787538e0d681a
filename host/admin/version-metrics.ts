import type { Counter, Gauge, Registry } from 'prom-client';
import type { ApplicationStatus } from '../deployer/application-status.js';
import { MetricMaker } from './metric-maker.js';

/**
 * What is measured of each version while several of one context are live; otherwise there are no such series. Counts are
 * those of a deployment: they begin at zero with each, as counters of a process that was started again do.
 */
export class VersionMetrics {
  readonly #share: Gauge<'application' | 'role'>;
  readonly #requests: Counter<'application'>;
  readonly #errors: Counter<'application'>;

  constructor(registry: Registry) {
    const make = new MetricMaker(registry);
    this.#share = make.gauge(
      'portico_version_share',
      'Part of the new clients that a live version gets, 0 to 1',
      ['application', 'role'],
    );
    this.#requests = make.counter(
      'portico_version_requests_total',
      'Finished requests of a version, copies among them',
      ['application'],
    );
    this.#errors = make.counter('portico_version_errors_total', 'Of these, answered with 5xx or broken off', [
      'application',
    ]);
  }

  take(applications: readonly ApplicationStatus[]): void {
    for (const metric of [this.#share, this.#requests, this.#errors]) metric.reset();
    for (const { name, live } of applications) {
      if (live === undefined) continue;
      this.#share.set({ application: name, role: live.role }, live.share / 100);
      this.#requests.inc({ application: name }, live.requests);
      this.#errors.inc({ application: name }, live.errors);
    }
  }
}
