import type { ApplicationSettings } from '../../config/host-config.js';
import { DEFAULT_QUEUE, type QueueSettings, type QueueThemes } from '../../config/queue-settings.js';
import type { ContextRoute, InstanceAddress, RouteLimits, RouteTarget } from '../../front/messages.js';
import type { SingleTarget } from '../../front/target-deployments.js';
import type { ContextState } from '../application-status.js';
import type { Place } from '../place.js';
import type { FailurePage, Running, Version } from '../version.js';

/** `Retry-After` of a context that does not answer, in seconds, by state. */
const RETRY_AFTER: Readonly<Record<string, number>> = {
  lazy: 1,
  starting: 2,
  restarting: 2,
  draining: 5,
  removing: 5,
  stopped: 60,
  failed: 60,
};

/**
 * What clients are told. Never the reason itself: that may hold what an application printed or threw, and belongs into
 * the status and the log.
 */
const TOLD: Readonly<Record<string, string>> = {
  lazy: 'The application starts with the first request.',
  starting: 'The application is starting.',
  restarting: 'The application is being restarted.',
  draining: 'The application is being stopped.',
  removing: 'The application is being removed.',
  stopped: 'The application is stopped.',
  failed: 'The application does not work at the moment.',
};

/** How a running version answers; undefined when it has no address at the moment. */
export function targetOf(running: Running): SingleTarget | undefined {
  const { deployment, prepared, process } = running;
  const { entry, settings } = prepared.manifest;
  if (entry.kind === 'static') return { kind: 'static', deployment, folder: entry.folder };
  if (entry.kind === 'upstream') {
    const { prefix, responseTimeoutMs } = settings;
    const urls = process?.upstreams?.() ?? entry.urls;
    if (urls.length === 0) return undefined;
    return { kind: 'upstream', deployment, urls, prefix, responseTimeoutMs };
  }
  if (entry.kind === 'redirect') {
    const { to, status, keepsPath } = entry;
    return { kind: 'redirect', deployment, to, status, keepsPath };
  }
  const instances = process?.addresses() ?? [];
  if (instances.length === 0 || running.gaveUp !== undefined) return undefined;
  const { prefix, responseTimeoutMs } = settings;
  const queue = settings.queue ?? DEFAULT_QUEUE;
  if (entry.kind === 'command')
    return { kind: 'upstream', deployment, urls: instances.map(urlOf), prefix, responseTimeoutMs, queue };
  return {
    kind: 'process',
    deployment,
    instances,
    prefix,
    responseTimeoutMs,
    queue,
    ...(settings.isSticky === true ? { isSticky: true } : {}),
    // Programs that are not of the framework have no word for their end before it has come.
    ...(entry.kind === 'modules' ? { closesWebSockets: true } : {}),
  };
}

/** Of a program that serves HTTP by itself. */
function urlOf({ httpPort = 0, socketPath }: InstanceAddress): string {
  return httpPort > 0 ? `http://127.0.0.1:${httpPort}` : `unix:${encodeURI(socketPath)}`;
}

/**
 * 503: the path stays reserved in every state, so nobody else answers for it. Where it will answer soon, requests wait for
 * that first: in the states that lead to it, unless the next try comes later than the waiting ends.
 */
export function unavailable(
  state: ContextState | 'lazy',
  retryInMs: number | undefined,
  { queue, page }: { readonly queue?: QueueSettings | undefined; readonly page?: FailurePage } = {},
): SingleTarget {
  const seconds = retryInMs === undefined ? (RETRY_AFTER[state] ?? 1) : Math.ceil(retryInMs / 1000);
  const reason = TOLD[state] ?? `The application is ${state}.`;
  const isWorthWaiting =
    queue !== undefined && queue.size > 0 && WAITED_FOR.has(state) && (retryInMs ?? 0) < queue.timeoutMs;
  return {
    kind: 'unavailable',
    state,
    reason,
    retryAfterSeconds: Math.max(1, seconds),
    ...(isWorthWaiting ? { queue } : {}),
    ...(page === undefined ? {} : { page }),
  };
}

const WAITED_FOR: ReadonlySet<string> = new Set(['lazy', 'starting', 'restarting']);

/** Developers wait for what they have just written, however long it takes to start. */
export function queueOf(settings: ApplicationSettings, isDevelopment: boolean): QueueSettings {
  const queue = settings.queue ?? DEFAULT_QUEUE;
  return isDevelopment ? { ...queue, timeoutMs: Math.max(queue.timeoutMs, settings.startTimeoutMs) } : queue;
}

/** The property of a route with limits, where there are some. */
export function limitsOf({ queue = DEFAULT_QUEUE, traffic }: Partial<QueueThemes>): {
  readonly limits?: RouteLimits;
} {
  const { concurrency, outputBytesPerSecond } = traffic ?? {};
  if (concurrency === undefined && outputBytesPerSecond === undefined) return {};
  return {
    limits: {
      queue: { size: traffic?.queue ?? queue.size, timeoutMs: queue.timeoutMs },
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(outputBytesPerSecond === undefined ? {} : { outputBytesPerSecond }),
    },
  };
}

/** The route of a context that `version` speaks for. */
export function routeOf(
  { id, host, path }: Place,
  version: Version,
  target: RouteTarget,
  settings: Pick<ApplicationSettings, 'maxBodyBytes' | 'request' | 'queue' | 'traffic'>,
): ContextRoute {
  const { maxBodyBytes, request } = settings;
  const { application, version: number } = version.order.context;
  const malformedEscapes = request.malformedEscapes === 'pass';
  const trace = request.trace === 'pass';
  return {
    context: id,
    ...(host === '' ? {} : { host }),
    path,
    application,
    version: number,
    target,
    maxBodyBytes,
    ...limitsOf(settings),
    ...(malformedEscapes || trace ? { passes: { malformedEscapes, trace } } : {}),
  };
}
