import type { WebSocket } from 'ws';
import type { WebSocketsConfig } from './config.js';

/** Pings one client and closes with 1011 when no pong comes in time. Stopped by its session. */
export class Heartbeat {
  readonly #socket: WebSocket;
  readonly #timeoutMs: number;
  readonly #pings: NodeJS.Timeout | undefined;
  #pongDue: NodeJS.Timeout | undefined;

  constructor(socket: WebSocket, { pingPeriodMs, timeoutMs }: WebSocketsConfig) {
    this.#socket = socket;
    this.#timeoutMs = timeoutMs;
    if (pingPeriodMs === 0) return;
    socket.on('pong', () => this.#alive());
    this.#pings = setInterval(() => this.#ping(), pingPeriodMs).unref();
  }

  stop(): void {
    clearInterval(this.#pings);
    this.#alive();
  }

  #ping(): void {
    if (this.#pongDue !== undefined || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#socket.ping();
    this.#pongDue = setTimeout(() => {
      this.stop();
      // RFC 6455 §7.4.1; ws cuts the connection when this is not answered either.
      this.#socket.close(1011, 'Ping timeout');
    }, this.#timeoutMs).unref();
  }

  #alive(): void {
    clearTimeout(this.#pongDue);
    this.#pongDue = undefined;
  }
}
