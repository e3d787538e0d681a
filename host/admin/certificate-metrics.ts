import type { Counter, Gauge, Registry } from 'prom-client';
import type { CertificatesView } from './certificates-view.js';
import { MetricMaker } from './metric-maker.js';

/** Series of one connector; those that end first are shown. */
const MAX_CERTIFICATES = 100;

/** What `/metrics` says about certificates. Labels are bounded: connectors, and the first host of a certificate. */
export class CertificateMetrics {
  readonly #expiry: Gauge<'connector' | 'host' | 'key'>;
  readonly #unusable: Gauge<'connector' | 'reason'>;
  readonly #lists: Gauge<'connector' | 'issuer'>;
  readonly #staples: Gauge<'connector' | 'state'>;
  readonly #ocspRequests: Counter<'connector' | 'result'>;
  readonly #reloads: Counter<'connector' | 'result'>;
  readonly #acmeFailures: Gauge<'connector'>;
  readonly #all: readonly { reset(): void }[];

  constructor(registry: Registry) {
    const make = new MetricMaker(registry);
    this.#expiry = make.gauge(
      'portico_certificate_expiry_timestamp_seconds',
      'When the certificate ends, in seconds since 1970',
      ['connector', 'host', 'key'],
    );
    this.#unusable = make.gauge(
      'portico_certificates_refused_by_clients',
      'Certificates that are shown although their time is over, or has not come',
      ['connector', 'reason'],
    );
    this.#lists = make.gauge(
      'portico_revocation_list_expiry_timestamp_seconds',
      'When the revocation list for client certificates ends, in seconds since 1970',
      ['connector', 'issuer'],
    );
    this.#staples = make.gauge(
      'portico_ocsp_staples',
      'Certificates of connectors that staple OCSP responses, by what they have',
      ['connector', 'state'],
    );
    this.#ocspRequests = make.counter(
      'portico_ocsp_requests_total',
      'Questions to OCSP responders about the certificates in use',
      ['connector', 'result'],
    );
    this.#reloads = make.counter(
      'portico_certificate_reloads_total',
      'Times that files of certificates were read anew',
      ['connector', 'result'],
    );
    this.#acmeFailures = make.gauge(
      'portico_acme_failures',
      'Failures in a row to get a certificate from its authority',
      ['connector'],
    );
    this.#all = [
      this.#expiry,
      this.#unusable,
      this.#lists,
      this.#staples,
      this.#ocspRequests,
      this.#reloads,
      this.#acmeFailures,
    ];
  }

  take(view: CertificatesView | undefined): void {
    for (const metric of this.#all) metric.reset();
    if (view === undefined) return;
    const seen = new Map<string, number>();
    const all = [...view.certificates()].sort((a, b) => Date.parse(a.notAfter) - Date.parse(b.notAfter));
    // From the last to the first: of those with the same labels the first to end counts.
    const shown = all.filter(({ connector }) => {
      const count = (seen.get(connector) ?? 0) + 1;
      seen.set(connector, count);
      return count <= MAX_CERTIFICATES;
    });
    for (const { connector, hosts, keyType, notAfter } of shown.reverse())
      this.#expiry.set({ connector, host: hosts[0] ?? '-', key: keyType }, Date.parse(notAfter) / 1000);
    for (const { connector, validity } of all) {
      for (const reason of ['expired', 'not-yet-valid'] as const)
        this.#unusable.inc({ connector, reason }, validity === reason ? 1 : 0);
    }
    for (const { connector, ocsp } of all) {
      if (ocsp === undefined) continue;
      this.#staples.inc({ connector, state: ocsp.state });
      this.#ocspRequests.inc({ connector, result: 'succeeded' }, ocsp.succeeded);
      this.#ocspRequests.inc({ connector, result: 'failed' }, ocsp.failed);
    }
    for (const { connector, issuer, nextUpdate } of view.revocationLists?.() ?? [])
      if (nextUpdate !== undefined) this.#lists.set({ connector, issuer }, Date.parse(nextUpdate) / 1000);
    for (const { connector, succeeded, failed } of view.reloads()) {
      this.#reloads.inc({ connector, result: 'succeeded' }, succeeded);
      this.#reloads.inc({ connector, result: 'failed' }, failed);
    }
    for (const { connector, failures } of view.acme()) this.#acmeFailures.set({ connector }, failures);
  }
}
