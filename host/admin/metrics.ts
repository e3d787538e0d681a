import { type Counter, collectDefaultMetrics, type Gauge, Registry } from 'prom-client';
import { LATENCY_BUCKETS_SECONDS } from '../front/messages.js';
import type { AdminCollaborators } from './admin-collaborators.js';
import { CallMetrics } from './call-metrics.js';
import { CertificateMetrics } from './certificate-metrics.js';
import { GrowingTotals } from './growing-totals.js';
import { MetricMaker } from './metric-maker.js';
import { ReportedHistogram } from './reported-histogram.js';
import { SpareMetrics } from './spare-metrics.js';
import type { TrafficTotals } from './traffic.js';
import { VersionMetrics } from './version-metrics.js';

const STATUS_CLASSES = ['none', '1xx', '2xx', '3xx', '4xx', '5xx'] as const;
const STATES = ['starting', 'running', 'restarting', 'draining', 'stopped', 'failed', 'removing'] as const;

/**
 * `/metrics`: one registry per server. Labels are bounded: applications and contexts that are deployed, classes,
 * states and reasons from fixed lists. Counters never go back while an application stays deployed, whatever
 * restarts; its series end when it is undeployed.
 */
export class ServerMetrics {
  readonly #registry = new Registry();
  readonly #collaborators: AdminCollaborators;
  readonly #restarts = new GrowingTotals();
  readonly #cpuSeconds = new GrowingTotals();
  readonly #requests: Counter<'application' | 'context' | 'class'>;
  readonly #latency: ReportedHistogram;
  readonly #bytesIn: Counter<'application' | 'context'>;
  readonly #bytesOut: Counter<'application' | 'context'>;
  readonly #inFlight: Gauge<'application' | 'context'>;
  readonly #tunnels: Gauge<'application' | 'context'>;
  readonly #queued: Gauge<'application' | 'context'>;
  readonly #limited: Counter<'application' | 'context' | 'reason'>;
  readonly #state: Gauge<'application' | 'state'>;
  readonly #up: Gauge<'application'>;
  readonly #restartCount: Counter<'application'>;
  readonly #cpu: Counter<'application'>;
  readonly #resident: Gauge<'application'>;
  readonly #heap: Gauge<'application'>;
  readonly #utilization: Gauge<'application'>;
  readonly #connections: Gauge;
  readonly #accepted: Counter;
  readonly #refused: Counter<'reason'>;
  readonly #closedByLimit: Counter<'reason'>;
  readonly #lostLogLines: Counter;
  readonly #frontRestarts: Counter<'front'>;
  readonly #frontUp: Gauge<'front'>;
  readonly #events: Counter<'event' | 'application'>;
  readonly #certificates: CertificateMetrics;
  readonly #versions: VersionMetrics;
  readonly #calls: CallMetrics;
  readonly #spares: SpareMetrics;

  constructor(collaborators: AdminCollaborators) {
    this.#collaborators = collaborators;
    const traffic = ['application', 'context'] as const;
    const make = new MetricMaker(this.#registry);
    this.#requests = make.counter('portico_requests_total', 'Finished requests', [
      ...traffic,
      'class',
    ] as const);
    this.#latency = new ReportedHistogram({
      name: 'portico_request_duration_seconds',
      help: 'From the complete request head to the end of the response',
      bounds: LATENCY_BUCKETS_SECONDS,
      registry: this.#registry,
    });
    this.#bytesIn = make.counter('portico_request_body_bytes_total', 'Bytes of request bodies', traffic);
    this.#bytesOut = make.counter('portico_response_body_bytes_total', 'Bytes of response bodies', traffic);
    this.#inFlight = make.gauge('portico_requests_in_flight', 'Requests being answered', traffic);
    this.#tunnels = make.gauge('portico_tunnels', 'Open WebSockets and other tunnels', traffic);
    this.#queued = make.gauge(
      'portico_queued_requests',
      'Requests that wait for their application or their turn',
      traffic,
    );
    this.#limited = make.counter('portico_limited_requests_total', 'Requests that met a limit', [
      ...traffic,
      'reason',
    ] as const);
    this.#state = make.gauge('portico_application_state', '1 for the state the application is in', [
      'application',
      'state',
    ]);
    this.#up = make.gauge('portico_application_up', '1 when the application answers', ['application']);
    this.#restartCount = make.counter('portico_application_restarts_total', 'Starts after a crash', [
      'application',
    ]);
    this.#cpu = make.counter('portico_application_cpu_seconds_total', 'Processor time, all instances', [
      'application',
    ]);
    this.#resident = make.gauge('portico_application_resident_bytes', 'Resident memory, all instances', [
      'application',
    ]);
    this.#heap = make.gauge('portico_application_heap_used_bytes', 'Used heap, all instances', [
      'application',
    ]);
    this.#utilization = make.gauge('portico_application_event_loop_utilization', 'Busiest instance, 0 to 1', [
      'application',
    ]);
    this.#connections = make.gauge('portico_connections', 'Open client connections', []);
    this.#accepted = make.counter('portico_connections_accepted_total', 'Accepted client connections', []);
    this.#refused = make.counter('portico_refused_total', 'Requests and connections refused', ['reason']);
    this.#closedByLimit = make.counter(
      'portico_connections_closed_total',
      'Connections ended by a limit, without a fault of their client',
      ['reason'],
    );
    this.#lostLogLines = make.counter(
      'portico_access_log_lost_lines_total',
      'Access log lines the disk did not take',
      [],
    );
    this.#frontRestarts = make.counter('portico_front_restarts_total', 'Fronts replaced', ['front']);
    this.#frontUp = make.gauge('portico_front_up', '1 when the front accepts', ['front']);
    this.#events = make.counter('portico_events_total', 'What happened, as in the log', [
      'event',
      'application',
    ]);
    this.#certificates = new CertificateMetrics(this.#registry);
    this.#versions = new VersionMetrics(this.#registry);
    this.#calls = new CallMetrics(this.#registry);
    this.#spares = new SpareMetrics(this.#registry);
    collectDefaultMetrics({ register: this.#registry });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The exposition text, with counts asked for now. */
  async text(): Promise<string> {
    const traffic = await this.#collaborators.server.traffic();
    this.#takeTraffic(traffic);
    this.#calls.take(traffic);
    this.#takeApplications();
    this.#takeFronts();
    this.#takeEvents();
    this.#certificates.take(this.#collaborators.server.certificates);
    this.#versions.take(this.#collaborators.deployments.list());
    this.#spares.take(this.#collaborators.server.spares?.());
    return this.#registry.metrics();
  }

  #takeTraffic(totals: TrafficTotals): void {
    const series = [
      this.#requests,
      this.#latency,
      this.#bytesIn,
      this.#bytesOut,
      this.#inFlight,
      this.#tunnels,
      this.#queued,
      this.#limited,
    ];
    const ofConnections = [this.#connections, this.#accepted, this.#refused, this.#closedByLimit];
    for (const metric of [...series, ...ofConnections, this.#lostLogLines]) metric.reset();
    for (const counts of totals.contexts) {
      const labels = {
        application: counts.application,
        context: counts.context === '' ? '/' : counts.context,
      };
      STATUS_CLASSES.forEach((name, index) => {
        const count = counts.byClass[index] ?? 0;
        // A class that never occurred has no series.
        if (count > 0) this.#requests.inc({ ...labels, class: name }, count);
      });
      this.#latency.take(labels, counts.latency, counts.latencySumSeconds);
      this.#bytesIn.inc(labels, counts.bytesIn);
      this.#bytesOut.inc(labels, counts.bytesOut);
      this.#inFlight.set(labels, counts.inFlight);
      this.#tunnels.set(labels, counts.tunnels);
      this.#queued.set(labels, counts.queued ?? 0);
      for (const [reason, count] of Object.entries(counts.limited ?? {}))
        this.#limited.inc({ ...labels, reason }, count);
    }
    this.#connections.set(totals.openConnections);
    this.#accepted.inc(totals.acceptedConnections);
    this.#lostLogLines.inc(totals.droppedLogLines);
    for (const [reason, count] of Object.entries(totals.refused)) this.#refused.inc({ reason }, count);
    for (const [reason, count] of Object.entries(totals.closedByLimit)) {
      this.#closedByLimit.inc({ reason }, count);
    }
  }

  #takeApplications(): void {
    const applications = this.#collaborators.deployments.list();
    const names = new Set(applications.map(({ name }) => name));
    this.#restarts.retain(names);
    this.#cpuSeconds.retain(names);
    const perApplication = [this.#state, this.#up, this.#restartCount, this.#cpu, this.#resident, this.#heap];
    for (const metric of [...perApplication, this.#utilization]) metric.reset();
    for (const { name, state, instances } of applications) {
      const labels = { application: name };
      for (const known of STATES)
        this.#state.set({ application: name, state: known }, known === state ? 1 : 0);
      this.#up.set(labels, state === 'running' ? 1 : 0);
      for (const instance of instances) {
        // Counts belong to the place of the instance, which keeps them over restarts of its process.
        const place = instance.instance.replace(/#\d+$/, '');
        this.#restarts.take(name, place, instance.restarts);
        this.#cpuSeconds.take(name, place, instance.cpuSeconds);
      }
      this.#restartCount.inc(labels, this.#restarts.total(name));
      this.#cpu.inc(labels, this.#cpuSeconds.total(name));
      this.#resident.set(
        labels,
        instances.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
      );
      this.#heap.set(
        labels,
        instances.reduce((sum, { heapUsedBytes }) => sum + heapUsedBytes, 0),
      );
      this.#utilization.set(labels, Math.max(0, ...instances.map(({ utilization }) => utilization)));
    }
  }

  /** Of the host and of what is deployed; the names of everything else have no bound. */
  #takeEvents(): void {
    const names = new Set(this.#collaborators.deployments.list().map(({ name }) => name));
    this.#events.reset();
    for (const { event, application, count } of this.#collaborators.events.counts())
      if (application === '' || names.has(application)) this.#events.inc({ event, application }, count);
  }

  #takeFronts(): void {
    this.#frontRestarts.reset();
    this.#frontUp.reset();
    for (const { number, state, restarts } of this.#collaborators.server.fronts()) {
      this.#frontRestarts.inc({ front: number }, restarts);
      this.#frontUp.set({ front: number }, state === 'running' ? 1 : 0);
    }
  }
}
