import type { WebSocket } from 'ws';

/** Pongs of one session that may wait for the client to read. */
const MAX_WAITING = 64;

/**
 * Answers pings. A client that sends pings and does not read gets no answer to all of them, only to the last one
 * (RFC 6455 §5.5.3): so they cost no memory, and a burst of them ends no session, as it does with `ws` itself.
 */
export class Pongs {
  readonly #socket: WebSocket;
  #waiting = 0;
  #last: Buffer | undefined;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('ping', (data) => this.#answer(data));
  }

  #answer(data: Buffer): void {
    if (this.#waiting >= MAX_WAITING) {
      // A copy, since `data` lies in what was read with it.
      this.#last = Buffer.from(data);
      return;
    }
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#waiting++;
    this.#socket.pong(data, false, this.#sent);
  }

  readonly #sent = (): void => {
    this.#waiting--;
    const last = this.#last;
    if (last === undefined) return;
    this.#last = undefined;
    this.#answer(last);
  };
}
