import type { ApplicationCall } from '../../application/application-call.js';
import { UpgradeContent } from '../../application/outgoing-content.js';
import type { Closeable } from '../../application/plugin.js';
import { messageOf, PorticoError } from '../../errors.js';
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
  #isStopping = false;

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
   * The application is about to end: open sessions are told to go elsewhere (RFC 6455 §7.4.1), and so is one that was
   * still on its way, in place of its handler. Whoever hears of the end too may have a last word before.
   */
  goAway(): void {
    this.#isStopping = true;
    setImmediate(() => {
      for (const session of this.#open) session.close(1001, 'The application is stopping.');
    });
  }

  close(): void {
    for (const session of this.#open) session.cut();
  }

  async #serve<P>(session: WebSocketSession<P>, handler: WebSocketHandler<P>): Promise<void> {
    this.#open.add(session as WebSocketSession<unknown>);
    try {
      if (this.#isStopping) {
        await session.close(1001, 'The application is stopping.');
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
