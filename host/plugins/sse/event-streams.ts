import { WriterContent } from '../../application/outgoing-content.js';
import { messageOf } from '../../errors.js';
import type { RoutingCall } from '../../routing/route.js';
import type { SSEConfig } from './config.js';
import { ServerSentEvents } from './session.js';

/** Serves one stream of events. Its return ends the stream; what it throws is logged and cuts it. */
export type EventsHandler<PathParameters> = (
  session: ServerSentEvents<PathParameters>,
) => void | Promise<void>;

/**
 * All open streams of one application; the instance of the plugin `SSE`. Opens them, runs their handlers, and ends them
 * when the application stops.
 */
export class EventStreams {
  readonly #config: SSEConfig;
  readonly #open = new Set<ServerSentEvents<unknown>>();
  #isStopping = false;

  constructor(config: SSEConfig) {
    this.#config = config;
  }

  /** The streams that are open now. */
  get all(): ReadonlySet<ServerSentEvents<unknown>> {
    return this.#open;
  }

  /** Answers a call with a stream of events. Resolves when it is over. */
  answer<P>(
    call: RoutingCall<P>,
    handler: EventsHandler<P>,
    heartbeatMs = this.#config.heartbeatMs,
  ): void | Promise<void> {
    return call.respond(
      new WriterContent(
        (writer) => {
          const session = new ServerSentEvents(call, writer, this.#config.maxBufferedBytes);
          if (heartbeatMs > 0) session.beat(heartbeatMs, this.#config.heartbeatText);
          return this.#serve(session, handler);
        },
        {
          status: 200,
          contentType: 'text/event-stream',
          // no-store: a stream is nothing to keep. X-Accel-Buffering: nginx must not collect it.
          headers: ['Cache-Control', 'no-store', 'X-Accel-Buffering', 'no'],
        },
      ),
    );
  }

  /**
   * The application is about to end: streams end, and clients come back to whoever is there then. A stream that is asked
   * for from now on ends as soon as it has begun, without its handler: behind an error a browser would not come back
   * (HTML standard §9.2.2).
   */
  goAway(): void {
    this.#isStopping = true;
    for (const session of this.#open) session.goAway(COME_BACK_MS);
  }

  async #serve<P>(session: ServerSentEvents<P>, handler: EventsHandler<P>): Promise<void> {
    if (this.#isStopping) {
      session.goAway(COME_BACK_MS);
      return session.sent;
    }
    this.#open.add(session as ServerSentEvents<unknown>);
    try {
      // A handler that does not look at the signal does not hold the call.
      await Promise.race([this.#run(session, handler), endOf(session.signal)]);
    } finally {
      session.close();
      this.#open.delete(session as ServerSentEvents<unknown>);
    }
    // Resolves also when the client goes.
    await session.sent;
  }

  async #run<P>(session: ServerSentEvents<P>, handler: EventsHandler<P>): Promise<void> {
    try {
      await handler(session);
    } catch (error) {
      const { application, request } = session.call;
      const text = `The handler of the events ${request.path} failed: ${messageOf(error)}`;
      if (session.signal.aborted) {
        application.log.debug(text, error);
        return;
      }
      application.log.error(text, error);
      throw error;
    }
  }
}

/** When clients of an application that ends come back; browsers wait for several seconds unless told. */
const COME_BACK_MS = 1000;

function endOf(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
