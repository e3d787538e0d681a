import { Counter, collectDefaultMetrics, Gauge, Histogram, type Metric, Registry } from 'prom-client';
import type { ApplicationCall } from '../application/application-call.js';
import { ApplicationCallPipeline } from '../application/call-pipelines.js';
import { PorticoError } from '../errors.js';
import { AttributeKey } from '../pipeline/attributes.js';
import { isPromiseLike } from '../pipeline/pipeline-context.js';
import { type ApplicationPlugin, createApplicationPlugin } from '../plugin/create-plugin.js';
import { CallFailed, ResponseBroken, ResponseSent } from '../plugin/hooks.js';
import { Route } from '../routing/route.js';

/** Options of `PrometheusMetrics`. */
export class PrometheusMetricsConfig {
  /** Where the metrics are kept. Default: a registry of the plugin's own. */
  registry: Registry = new Registry();
  /** First part of the names. Default `http_server_requests`. Blank: `PORTICO_METRIC_NAME`. */
  metricName = 'http_server_requests';
  /** Upper bounds of the latency histogram, in seconds. */
  bucketsSeconds: number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  /** Also memory, event loop and garbage collection of the process. Default true. */
  collectDefaults = true;
  /** Which calls are counted. Default: all. */
  filter: (call: ApplicationCall) => boolean = () => true;
  /** The value of the label `route`. Default: the pattern of the route; `n/a` for calls that no route answers. */
  route: (call: ApplicationCall) => string = (call) =>
    call.route instanceof Route ? call.route.path || '/' : 'n/a';
}

// RFC 9110 §9, and PATCH: other methods are made up by clients and would be labels without end.
const METHODS = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
  'QUERY',
]);
const BEGIN = new AttributeKey<number>('PrometheusMetrics.begin');
const THROWN = new AttributeKey<string>('PrometheusMetrics.thrown');

/**
 * Plugin: counts calls and measures how long they take, for Prometheus. Gives the registry.
 *
 * ```ts
 * const registry = application.install(PrometheusMetrics);
 * routing(application, (r) => metricsRoute(r, '/metrics', registry));
 * ```
 *
 * `…_seconds` is a histogram with the labels `method`, `route` and `status`, `…_active` a gauge of running calls,
 * `…_errors_total` counts errors that handlers have thrown by their class.
 */
export const PrometheusMetrics: ApplicationPlugin<PrometheusMetricsConfig, Registry> =
  createApplicationPlugin('PrometheusMetrics', {
    createConfig: () => new PrometheusMetricsConfig(),
    install(plugin) {
      const { registry, metricName, bucketsSeconds, collectDefaults, filter, route } = plugin.config;
      if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(metricName))
        throw new PorticoError(
          'PORTICO_METRIC_NAME',
          `metricName of PrometheusMetrics is ${JSON.stringify(metricName)}. Use letters, digits, _ and :, and no digit at the begin; or leave it away.`,
        );
      if (collectDefaults) for (const metric of metricsOfProcess()) registry.registerMetric(metric);
      const registers = [registry];
      const seconds = new Histogram({
        name: `${metricName}_seconds`,
        help: 'Time from the begin of a call to the last byte of its answer.',
        labelNames: ['method', 'route', 'status'],
        buckets: bucketsSeconds,
        registers,
      });
      const active = new Gauge({ name: `${metricName}_active`, help: 'Calls that are running.', registers });
      const errors = new Counter({
        name: `${metricName}_errors_total`,
        help: 'Errors that were thrown while calls were handled.',
        labelNames: ['route', 'error'],
        registers,
      });
      plugin.pipeline.intercept(ApplicationCallPipeline.Monitoring, (run) => {
        if (!filter(run.call)) return undefined;
        run.call.attributes.put(BEGIN, performance.now());
        active.inc();
        return whenOver(
          () => run.proceed(),
          () => active.dec(),
          (error) => failed(run.call, error),
        );
      });
      const failed = (call: ApplicationCall, error: unknown): void => {
        if (call.attributes.contains(THROWN) || !filter(call)) return;
        const name = error instanceof Error ? error.constructor.name : typeof error;
        call.attributes.put(THROWN, name);
        errors.inc({ route: route(call), error: name });
      };
      // What fails before Monitoring. Later errors are seen there: plugins that answer them are further outside.
      plugin.on(CallFailed, failed);
      const ended = (call: ApplicationCall): void => {
        const begin = call.attributes.getOrNull(BEGIN);
        if (begin === undefined) return;
        const { method } = call.request;
        const labels = {
          method: METHODS.has(method) ? method : 'other',
          route: route(call),
          status: String(call.sentStatus),
        };
        seconds.observe(labels, (performance.now() - begin) / 1000);
      };
      plugin.on(ResponseSent, ended);
      // It has a status and took its time; the error counts as such.
      plugin.on(ResponseBroken, ended);
      return registry;
    },
  });

let processMetrics: readonly Metric[] | undefined;

/**
 * Memory, event loop and garbage collection, which belong to the process: observed once, however often applications are
 * started and stopped in it, since there is no way to end it.
 */
function metricsOfProcess(): readonly Metric[] {
  if (processMetrics === undefined) {
    const register = new Registry();
    collectDefaultMetrics({ register });
    processMetrics = register.getMetricsAsArray().flatMap(({ name }) => register.getSingleMetric(name) ?? []);
  }
  return processMetrics;
}

/** Answers with the metrics of a registry. */
export function metricsRoute<P>(route: Route<P>, path: string, registry: Registry): void {
  route.get(path, async (call) => call.respondText(await registry.metrics(), registry.contentType));
}

function whenOver(work: () => unknown, over: () => void, failed: (error: unknown) => void): unknown {
  const rethrow = (error: unknown): never => {
    failed(error);
    over();
    throw error;
  };
  let result: unknown;
  try {
    result = work();
  } catch (error) {
    return rethrow(error);
  }
  if (isPromiseLike(result)) return result.then(over, rethrow);
  over();
  return undefined;
}
