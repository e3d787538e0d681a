import type { WebSocket } from 'ws';
import type { AnyPathParameters } from '../../application/application-call.js';
import { messageOf, PorticoError } from '../../errors.js';
import type { RoutingCall } from '../../routing/route.js';
import type { WebSocketsConfig } from './config.js';
import { Heartbeat } from './heartbeat.js';
import { WebSocketMessage } from './message.js';
import { MessageQueue } from './message-queue.js';
import { Pongs } from './pongs.js';

/** How a session ended: code and reason of the client's close frame; 1006 when there was none (RFC 6455 §7.1.5). */
export interface WebSocketClose {
  readonly code: number;
  readonly reason: string;
}

/**
 * One open WebSocket, as its handler sees it. Begins behind the 101 and ends with the connection; the handler's return
 * closes it with 1000. Made and owned by the plugin `WebSockets`.
 */
export class WebSocketSession<PathParameters = AnyPathParameters> {
  /** The call that opened it: its parameters, headers, attributes, who is logged in. */
  readonly call: RoutingCall<PathParameters>;
  /** Resolves when the connection is closed. Never rejects. */
  readonly closed: Promise<WebSocketClose>;
  readonly #socket: WebSocket;
  readonly #config: WebSocketsConfig;
  readonly #queue: MessageQueue;
  readonly #heartbeat: Heartbeat;
  readonly #controller = new AbortController();

  /** For the plugin; nothing may have come on `socket` yet. */
  constructor(call: RoutingCall<PathParameters>, socket: WebSocket, config: WebSocketsConfig) {
    this.call = call;
    this.#socket = socket;
    this.#config = config;
    this.#heartbeat = new Heartbeat(socket, config);
    new Pongs(socket);
    this.#queue = new MessageQueue(
      { messages: config.maxQueuedMessages, bytes: config.maxQueuedBytes },
      () => {
        socket.pause();
        this.#heartbeat.rest();
      },
      () => socket.resume(),
    );
    // binaryType is `nodebuffer`, ws's default: a message is one Buffer.
    socket.on('message', (data, isBinary) => this.#queue.put(new WebSocketMessage(data as Buffer, isBinary)));
    socket.on('error', (error) =>
      call.application.log.debug(`The WebSocket ${call.request.path} failed: ${messageOf(error)}`, error),
    );
    this.closed = new Promise((resolve) => {
      socket.once('close', (code, reason) => {
        this.#heartbeat.stop();
        this.#queue.end();
        this.#controller.abort();
        resolve({ code, reason: reason.toString('utf8') });
      });
    });
  }

  /** Parameters of the path, typed by the pattern of the route. */
  get parameters(): PathParameters {
    return this.call.parameters;
  }

  /** The sub-protocol that was agreed on; `''` for none. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  /** False once either side has begun to close. */
  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  /** Aborted when the session is closed, by whichever side. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Bytes that were sent and wait for the client to read. */
  get bufferedBytes(): number {
    return this.#socket.bufferedAmount;
  }

  /**
   * Messages as they come; ends when the session is closed. A client that sends faster than they are taken is not read
   * any more.
   */
  get incoming(): AsyncIterable<WebSocketMessage> {
    return this.#queue;
  }

  /** The next message; undefined when the session is closed. */
  receive(): Promise<WebSocketMessage | undefined> {
    return this.#queue.take();
  }

  /**
   * Sends a text or binary message. Resolves when the connection has taken it: awaiting it keeps memory bounded. Rejects
   * with `PORTICO_WEB_SOCKET_CLOSED` when the session is closed; who does not await it need not care.
   */
  send(data: string | Uint8Array): Promise<void> {
    const sent = new Promise<void>((resolve, reject) => {
      if (!this.isOpen) return reject(closedError());
      // Nobody reads and nobody waits: better one client less than no memory for the others.
      const isCut = this.bufferedBytes > this.#config.maxBufferedBytes;
      this.#socket.send(data, (error) => (error instanceof Error ? reject(closedError(error)) : resolve()));
      if (isCut) this.cut();
    });
    sent.catch(() => undefined);
    return sent;
  }

  /** Sends a value as JSON in a text message. */
  sendJson(value: unknown): Promise<void> {
    return this.send(JSON.stringify(value) ?? 'null');
  }

  /** Sends a ping; the pong of the client is not told. For watching over clients see `pingPeriodMs`. */
  ping(): void {
    if (this.isOpen) this.#socket.ping();
  }

  /**
   * Closes in good order: 1000, 1001 to 1014 or 3000 to 4999, and at most 123 bytes of reason, else
   * `PORTICO_WEB_SOCKET_CODE`. Messages that were not taken are dropped. Harmless when the session is closed already.
   */
  close(code = 1000, reason = ''): Promise<WebSocketClose> {
    try {
      this.#socket.close(code, reason);
    } catch (cause) {
      throw new PorticoError(
        'PORTICO_WEB_SOCKET_CODE',
        `A WebSocket cannot be closed with ${code} ${JSON.stringify(reason)}: ${messageOf(cause)}. ` +
          'Use 1000 or 3000 to 4999, and a short reason.',
        { cause },
      );
    }
    this.#heartbeat.stop();
    // The answer of the client stands behind what it has sent before.
    this.#queue.end();
    this.#socket.resume();
    return this.closed;
  }

  /** Cuts the connection without a word. */
  cut(): void {
    this.#socket.terminate();
  }
}

function closedError(cause?: Error): PorticoError {
  return new PorticoError(
    'PORTICO_WEB_SOCKET_CLOSED',
    'The WebSocket is closed; nothing can be sent any more. Look at session.signal or session.isOpen.',
    { cause },
  );
}
