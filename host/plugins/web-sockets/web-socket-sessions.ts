import type { ApplicationCall } from '../../application/application-call.js';
import { UpgradeContent } from '../../application/outgoing-content.js';
import type { Closeable } from '../../application/plugin.js';
import { messageOf, PorticoError } from '../../errors.js';
import { type Departure, FAREWELLS } from '../../lifecycle/departure.js';
import type { RoutingCall } from '../../routing/route.js';
import type { WebSocketsConfig } from './config.js';
import { Handshaker, type SelectProtocol } from './handshake.js';
import { OriginCheck } from './origin-check.js';
import { WebSocketSession } from './session.js';

/** Serves one open WebSocket. Its return closes with 1000; what it throws is logged and closes with 1011. */
export type WebSocketHandler<PathParameters> = (
  session: WebSocketSession<PathParameters>,
) => void | Promise<void>;

/**
 * All open sessions of one application; the instance of the plugin `WebSockets`. Opens them, runs their handlers, and
 * closes them when the application stops.
 */
export class WebSocketSessions implements Closeable {
  readonly #config: WebSocketsConfig;
  readonly #handshaker: Handshaker;
  readonly #origins: OriginCheck;
  readonly #open = new Set<WebSocketSession<unknown>>();
  /** The application stops, for this reason. */
  #departure: Departure | undefined;

  constructor(config: WebSocketsConfig) {
    this.#config = config;
    this.#handshaker = new Handshaker(config);
    this.#origins = new OriginCheck(config.allowedOrigins);
  }

  /** The sessions that are open now. */
  get all(): ReadonlySet<WebSocketSession<unknown>> {
    return this.#open;
  }

  /** Answers a call with 101 and gives the connection to the handler. Resolves when it is closed. */
  async answer<P>(
    call: RoutingCall<P>,
    handler: WebSocketHandler<P>,
    selectProtocol: SelectProtocol | undefined,
  ): Promise<void> {
    this.#origins.check(call as ApplicationCall);
    const { webSocket, socket, headers } = this.#handshaker.begin(call as ApplicationCall, selectProtocol);
    const session = new WebSocketSession(call, webSocket, this.#config);
    const content = new UpgradeContent(
      'websocket',
      (tunnel) => {
        socket.connect(tunnel, {
          refuseText: () => {
            webSocket.close(1007);
            webSocket.resume();
          },
          isAllSent: () => webSocket.bufferedAmount === 0,
        });
        return this.#serve(session, handler);
      },
      headers,
    );
    try {
      await call.respond(content);
    } finally {
      // Also when an interceptor has answered with something else.
      socket.destroy();
    }
  }

  /**
   * The application is about to end: open sessions are told to go elsewhere, or to come back, and so is one that was
   * still on its way, in place of its handler. Whoever hears of the end too may have a last word before.
   */
  goAway(departure: Departure): void {
    this.#departure = departure;
    const { code, reason } = FAREWELLS[departure];
    setImmediate(() => {
      for (const session of this.#open) session.close(code, reason);
    });
  }

  close(): void {
    for (const session of this.#open) session.cut();
  }

  async #serve<P>(session: WebSocketSession<P>, handler: WebSocketHandler<P>): Promise<void> {
    this.#open.add(session as WebSocketSession<unknown>);
    try {
      if (this.#departure !== undefined) {
        const { code, reason } = FAREWELLS[this.#departure];
        await session.close(code, reason);
        return;
      }
      // A handler that goes on behind the end of its session does not hold the call.
      await Promise.race([this.#run(session, handler), session.closed]);
      await session.close();
    } finally {
      this.#open.delete(session as WebSocketSession<unknown>);
    }
  }

  async #run<P>(session: WebSocketSession<P>, handler: WebSocketHandler<P>): Promise<void> {
    try {
      await handler(session);
    } catch (error) {
      const { application, request } = session.call;
      const text = `The handler of the WebSocket ${request.path} failed: ${messageOf(error)}`;
      const isClosed = error instanceof PorticoError && error.code === 'PORTICO_WEB_SOCKET_CLOSED';
      if (isClosed && !session.isOpen) application.log.debug(text);
      else application.log.error(text, error);
      await session.close(1011, 'The handler failed.');
    }
  }
}
