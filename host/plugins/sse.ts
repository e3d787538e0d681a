import { ApplicationStopPreparing } from '../application/application-events.js';
import { type ApplicationPlugin, createApplicationPlugin } from '../plugin/create-plugin.js';
import { MonitoringEvent } from '../plugin/hooks.js';
import type { NestedParameters } from '../routing/path-parameters.js';
import type { Route } from '../routing/route.js';
import { checkBuffer, checkHeartbeat, SSEConfig } from './sse/config.js';
import { EventStreams, type EventsHandler } from './sse/event-streams.js';

export { SSEConfig } from './sse/config.js';
export type { ServerSentEvent } from './sse/event.js';
export type { EventStreams, EventsHandler } from './sse/event-streams.js';
export type { ServerSentEvents } from './sse/session.js';

/**
 * Server-sent events (HTML standard §9.2). Needed by `sse`. Open streams end when the application stops.
 *
 * ```ts
 * application.install(SSE);
 * routing(application, (r) => {
 *   sse(r, '/clock', async (session) => {
 *     for await (const time of setInterval(1000, undefined, { signal: session.signal }))
 *       await session.send({ event: 'tick', data: { now: Date.now() } });
 *   });
 * });
 * ```
 */
export const SSE: ApplicationPlugin<SSEConfig, EventStreams> = createApplicationPlugin('SSE', {
  createConfig: () => new SSEConfig(),
  install(plugin) {
    checkHeartbeat(plugin.config.heartbeatMs);
    checkBuffer(plugin.config.maxBufferedBytes);
    const streams = new EventStreams(plugin.config);
    plugin.on(MonitoringEvent(ApplicationStopPreparing), () => streams.goAway());
    return streams;
  },
});

/** What a route of events is besides its path. */
export interface SSEOptions {
  /** Another heartbeat than that of the plugin, in ms; 0: none. */
  readonly heartbeatMs?: number;
}

/**
 * A route that answers with a stream of events: GET with a pattern, any method of the route without one. The stream has
 * status 200 and is never compressed; the handler's return ends it. `PORTICO_MISSING_PLUGIN` without `SSE`.
 */
export function sse<Outer>(route: Route<Outer>, handler: EventsHandler<Outer>): Route;
export function sse<Outer, Pattern extends string>(
  route: Route<Outer>,
  pattern: Pattern,
  handler: EventsHandler<NestedParameters<Outer, Pattern>>,
): Route;
export function sse<Outer, Pattern extends string>(
  route: Route<Outer>,
  pattern: Pattern,
  options: SSEOptions,
  handler: EventsHandler<NestedParameters<Outer, Pattern>>,
): Route;
export function sse(route: AnyRoute, ...given: Given): Route {
  const handler = given[given.length - 1] as EventsHandler<unknown>;
  const { heartbeatMs } = (given.length > 2 ? given[1] : {}) as SSEOptions;
  if (heartbeatMs !== undefined) checkHeartbeat(heartbeatMs);
  const streams = route.root.application.plugin(SSE);
  const at: AnyRoute = given.length > 1 ? route.route(given[0] as string).method('GET') : route;
  return at.handle((call) => streams.answer(call, handler, heartbeatMs));
}

// biome-ignore lint/suspicious/noExplicitAny: the overloads have checked it
type AnyRoute = Route<any>;
// biome-ignore lint/suspicious/noExplicitAny: the overloads have checked it
type AnyHandler = EventsHandler<any>;
type Given =
  | readonly [AnyHandler]
  | readonly [pattern: string, AnyHandler]
  | readonly [pattern: string, SSEOptions, AnyHandler];
