import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** How long each part of a request to an upstream may take. */
export interface OutgoingTimes {
  /** Until there is a connection: a free one, or a new one with its TLS handshake. */
  readonly connectMs: number;
  /** From then, or from the last part of the request body, to the head of the response. 0: never. */
  readonly responseMs: number;
}

/**
 * Watches over one request to an upstream until its response begins; http-proxy and Node do not. Owned by the request:
 * it ends with it.
 */
export class OutgoingDeadline {
  #timer: NodeJS.Timeout;
  /** There is a connection. */
  #isWaiting = false;

  /**
   * `outgoing` has just been made: it has no socket yet. `onLate` is called once, with what has not come, and answers: to
   * destroy the request alone is not noticed while it waits for a connection.
   */
  constructor(outgoing: ClientRequest, times: OutgoingTimes, onLate: (reason: string) => void) {
    this.#timer = setTimeout(onLate, times.connectMs, 'there was no connection in time');
    const connected = (): void => {
      clearTimeout(this.#timer);
      if (times.responseMs === 0) return;
      this.#timer = setTimeout(onLate, times.responseMs, 'there was no answer in time');
      this.#isWaiting = true;
    };
    outgoing.once('socket', (socket: Socket) => {
      if (!socket.connecting) connected();
      else socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', connected);
    });
    for (const event of ['response', 'upgrade', 'close'])
      outgoing.once(event, () => clearTimeout(this.#timer));
  }

  /** The client has sent more: the upstream cannot be late yet. */
  extend(): void {
    if (this.#isWaiting) this.#timer.refresh();
  }
}
