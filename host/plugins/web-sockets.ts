import { ApplicationStopPreparing } from '../application/application-events.js';
import { departureOf } from '../application/departures.js';
import { type ApplicationPlugin, createApplicationPlugin } from '../plugin/create-plugin.js';
import { MonitoringEvent } from '../plugin/hooks.js';
import type { NestedParameters } from '../routing/path-parameters.js';
import type { Route } from '../routing/route.js';
import { checkConfig, WebSocketsConfig } from './web-sockets/config.js';
import type { SelectProtocol } from './web-sockets/handshake.js';
import { SubProtocolSelector, WebSocketSelector } from './web-sockets/upgrade-selectors.js';
import { type WebSocketHandler, WebSocketSessions } from './web-sockets/web-socket-sessions.js';

export { WebSocketsConfig } from './web-sockets/config.js';
export type { SelectProtocol } from './web-sockets/handshake.js';
export type { WebSocketMessage } from './web-sockets/message.js';
export type { WebSocketClose, WebSocketSession } from './web-sockets/session.js';
export type { WebSocketHandler, WebSocketSessions } from './web-sockets/web-socket-sessions.js';

/**
 * WebSockets (RFC 6455), on `ws`. Needed by `webSocket`. Open sessions are closed when the application stops: with 1001, or
 * 1012 when another version or another start of it takes over.
 *
 * ```ts
 * application.install(WebSockets, (config) => {
 *   config.pingPeriodMs = 30_000;
 * });
 * routing(application, (r) => {
 *   webSocket(r, '/chat/{room}', async (session) => {
 *     for await (const message of session.incoming) await session.send(`you said ${message.text}`);
 *   });
 * });
 * ```
 */
export const WebSockets: ApplicationPlugin<WebSocketsConfig, WebSocketSessions> = createApplicationPlugin(
  'WebSockets',
  {
    createConfig: () => new WebSocketsConfig(),
    install(plugin) {
      checkConfig(plugin.config);
      const sessions = new WebSocketSessions(plugin.config);
      plugin.on(MonitoringEvent(ApplicationStopPreparing), (environment) =>
        sessions.goAway(departureOf(environment)),
      );
      return sessions;
    },
  },
);

/** What a WebSocket route is besides its path. */
export interface WebSocketOptions {
  /** The route takes only clients that offer this sub-protocol, and agrees on it; for others it is not there (400, 404). */
  readonly protocol?: string;
  /** Chooses among the sub-protocols offered. Default: none is agreed on. Without effect beside `protocol`. */
  readonly selectProtocol?: SelectProtocol;
}

/**
 * A route for WebSockets: GET with an upgrade to `websocket`. A plain GET, unless another route takes it, is 400, and 404
 * behind a parameter of the path, as with all that a route wants besides its path.
 * Everything that is installed on the route runs before the 101, so who may not come in is answered in plain HTTP.
 * `PORTICO_MISSING_PLUGIN` without `WebSockets`.
 */
export function webSocket<Outer>(route: Route<Outer>, handler: WebSocketHandler<Outer>): Route;
export function webSocket<Outer, Pattern extends string>(
  route: Route<Outer>,
  pattern: Pattern,
  handler: WebSocketHandler<NestedParameters<Outer, Pattern>>,
): Route;
export function webSocket<Outer, Pattern extends string>(
  route: Route<Outer>,
  pattern: Pattern,
  options: WebSocketOptions,
  handler: WebSocketHandler<NestedParameters<Outer, Pattern>>,
): Route;
export function webSocket(route: AnyRoute, ...given: Given): Route {
  const handler = given[given.length - 1] as WebSocketHandler<unknown>;
  const pattern = given.length > 1 ? (given[0] as string) : '';
  const { protocol, selectProtocol } = (given.length > 2 ? given[1] : {}) as WebSocketOptions;
  const sessions = route.root.application.plugin(WebSockets);
  let at = (route.route(pattern) as unknown as Route).method('GET').createChild(new WebSocketSelector());
  if (protocol !== undefined) at = at.createChild(new SubProtocolSelector(protocol));
  const select: SelectProtocol | undefined = protocol === undefined ? selectProtocol : () => protocol;
  return at.handle((call) => sessions.answer(call, handler, select));
}

// biome-ignore lint/suspicious/noExplicitAny: the overloads have checked it
type AnyRoute = Route<any>;
// biome-ignore lint/suspicious/noExplicitAny: the overloads have checked it
type AnyHandler = WebSocketHandler<any>;
type Given =
  | readonly [AnyHandler]
  | readonly [pattern: string, AnyHandler]
  | readonly [pattern: string, WebSocketOptions, AnyHandler];
