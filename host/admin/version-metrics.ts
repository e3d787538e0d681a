import { Counter, Gauge, type Registry } from 'prom-client';
import type { ApplicationStatus } from '../deployer/application-status.js';

/**
 * What is measured of each version while several of one context are live; otherwise there are no such series. Counts are
 * those of a deployment: they begin at zero with each, as counters of a process that was started again do.
 */
export class VersionMetrics {
  readonly #share: Gauge<'application' | 'role'>;
  readonly #requests: Counter<'application'>;
  readonly #errors: Counter<'application'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#share = new Gauge({
      name: 'portico_version_share',
      help: 'Part of the new clients that a live version gets, 0 to 1',
      labelNames: ['application', 'role'],
      registers,
    });
    this.#requests = new Counter({
      name: 'portico_version_requests_total',
      help: 'Finished requests of a version, copies among them',
      labelNames: ['application'],
      registers,
    });
    this.#errors = new Counter({
      name: 'portico_version_errors_total',
      help: 'Of these, answered with 5xx or broken off',
      labelNames: ['application'],
      registers,
    });
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
