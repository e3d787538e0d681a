import type { AnyPathParameters, ApplicationCall } from '../../application/application-call.js';
import type { ResponseWriter } from '../../application/response-writer.js';
import { AbortReason } from '../../exchange/exchange.js';
import type { RoutingCall } from '../../routing/route.js';
import { encodeComment, encodeEvent, type ServerSentEvent } from './event.js';

/**
 * One open stream of events, as its handler sees it. Ends with the handler's return, with the client, or when the
 * application stops; `signal` tells the handler. Made and owned by the plugin `SSE`.
 */
export class ServerSentEvents<PathParameters = AnyPathParameters> {
  readonly call: RoutingCall<PathParameters>;
  readonly #writer: ResponseWriter;
  readonly #controller = new AbortController();
  #sending: Promise<void> = Promise.resolve();
  readonly #maxBufferedBytes: number;
  #bufferedBytes = 0;
  #heartbeat: NodeJS.Timeout | undefined;

  /** For the plugin. */
  constructor(call: RoutingCall<PathParameters>, writer: ResponseWriter, maxBufferedBytes: number) {
    this.call = call;
    this.#maxBufferedBytes = maxBufferedBytes;
    this.#writer = writer;
    (call as ApplicationCall).signals.onAbort(() => this.close());
  }

  /** Parameters of the path, typed by the pattern of the route. */
  get parameters(): PathParameters {
    return this.call.parameters;
  }

  /** The id of the last event that a client has seen which comes back; undefined for a new one. */
  get lastEventId(): string | undefined {
    const text = this.call.request.header('last-event-id');
    // Fields of HTTP are read as Latin-1, browsers write this one as UTF-8 (HTML standard §9.2.4).
    return text === undefined ? undefined : Buffer.from(text, 'latin1').toString('utf8');
  }

  /** Aborted when nothing can or shall be sent any more. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /**
   * Sends an event, or a text as the data of one. It leaves at once; the promise resolves when the client has room for
   * more: awaiting it keeps memory bounded. Does nothing once `signal` is aborted. `PORTICO_SSE_EVENT` for an event
   * that cannot be written.
   */
  send(event: ServerSentEvent | string): Promise<void> {
    return this.#write(encodeEvent(typeof event === 'string' ? { data: event } : event));
  }

  /** Sends a comment, which clients ignore. */
  comment(text: string): Promise<void> {
    return this.#write(encodeComment(text));
  }

  /** Ends the stream; events that are being sent still leave. A browser comes back after its waiting time. */
  close(): void {
    clearInterval(this.#heartbeat);
    this.#controller.abort();
  }

  /** For the plugin: ends the stream; its last words are when to come back, in ms (HTML standard §9.2.6, `retry`). */
  goAway(comeBackMs: number): void {
    // A client that is gone needs no hint.
    this.send({ retryMs: comeBackMs }).catch(() => this.close());
    this.close();
  }

  /** Bytes that were sent and wait for the client to read. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** For the plugin: sends `text` as a comment each `periodMs`. */
  beat(periodMs: number, text: string): void {
    this.#heartbeat = setInterval(() => {
      // Where something waits for room, nothing is silent.
      if (this.#bufferedBytes === 0) this.comment(text).catch(() => this.close());
    }, periodMs).unref();
  }

  /** For the plugin: resolves when all that was sent is on its way, or the client has gone. */
  get sent(): Promise<void> {
    return this.#sending;
  }

  /** One after the other: two that are not awaited must not mix. */
  #write(text: string): Promise<void> {
    if (this.signal.aborted) return Promise.resolve();
    const bytes = Buffer.byteLength(text);
    this.#bufferedBytes += bytes;
    // Nobody reads and nobody waits: better one client less than no memory for the others.
    if (this.#bufferedBytes > this.#maxBufferedBytes) this.#cut();
    const writing = this.#sending.then(async () => {
      try {
        if (this.#writer.isAborted) this.close();
        else await this.#writer.write(text);
      } catch (error) {
        if (!this.#writer.isAborted) throw error;
        this.close();
      } finally {
        this.#bufferedBytes -= bytes;
      }
    });
    this.#sending = writing.catch(() => undefined);
    return writing;
  }

  #cut(): void {
    this.close();
    const { exchange, signals } = this.call as ApplicationCall;
    exchange.abort(AbortReason.CANCELLED);
    // What we abort ourselves is told to nobody; the writer waits for room that will not come.
    signals.aborted(AbortReason.CANCELLED);
  }
}
