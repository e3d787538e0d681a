import { once } from 'node:events';
import { WebSocket } from 'ws';

/** A WebSocket over the network, with what has come and how it ended. */
export class NetworkWebSocket {
  readonly socket: WebSocket;
  readonly closed: Promise<number>;
  /** Code and reason of the close frame: `1001 the application is stopping`. */
  readonly farewell: Promise<string>;
  readonly #messages: string[] = [];
  #wake: (() => void) | undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => {
      this.#messages.push(String(data));
      this.#wake?.();
    });
    this.closed = new Promise((resolve) => socket.once('close', (code) => resolve(code)));
    this.farewell = new Promise((resolve) =>
      socket.once('close', (code, reason) => resolve(`${code} ${reason}`)),
    );
    socket.once('close', () => this.#wake?.());
  }

  /** Rejects with ws's error for any answer but 101. */
  static async open(url: string, protocols: string[] = []): Promise<NetworkWebSocket> {
    const client = new NetworkWebSocket(new WebSocket(url.replace(/^http/, 'ws'), protocols));
    await once(client.socket, 'open');
    return client;
  }

  /** The next message as a text. */
  async receive(): Promise<string> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error('The WebSocket is closed.');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
