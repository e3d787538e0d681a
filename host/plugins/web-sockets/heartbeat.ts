import type { WebSocket } from 'ws';
import type { WebSocketsConfig } from './config.js';

/**
 * Pings one client and closes with 1011 when no pong comes in time. Stopped by its session. A client that we do not read
 * is not pinged: its pong would lie unread behind its messages.
 */
export class Heartbeat {
  readonly #socket: WebSocket;
  readonly #timeoutMs: number;
  readonly #pings: NodeJS.Timeout | undefined;
  #pongDue: NodeJS.Timeout | undefined;

  constructor(socket: WebSocket, { pingPeriodMs, timeoutMs }: WebSocketsConfig) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    if (pingPeriodMs === 0) return;
    socket.on('pong', () => this.rest());
    this.#pings = setInterval(() => this.#ping(), pingPeriodMs).unref();
  }

  stop(): void {
    clearInterval(this.#pings);
    this.rest();
  }

  /** Waits for no pong until the next ping. */
  rest(): void {
    clearTimeout(this.#pongDue);
    this.#pongDue = undefined;
  }

  #ping(): void {
    const { readyState, OPEN, isPaused } = this.#socket;
    if (this.#pongDue !== undefined || readyState !== OPEN || isPaused) return;
    this.#socket.ping();
    this.#pongDue = setTimeout(() => {
      this.stop();
      // RFC 6455 §7.4.1; ws cuts the connection when this is not answered either.
      this.#socket.close(1011, 'Ping timeout');
    }, this.#timeoutMs).unref();
  }
}
