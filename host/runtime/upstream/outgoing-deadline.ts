import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** How long each part of a request to an upstream may take. */
export interface OutgoingTimes {
  /** Until there is a connection: a free one, or a new one with its TLS handshake. */
  readonly connectMs: number;
  /** From then, or from the last part of the request body, to the head of the response. */
  readonly responseMs: number;
}

/**
 * Watches over one request to an upstream until its response begins; http-proxy and Node do not. A request that is
 * late is destroyed with an error of code ETIMEDOUT. Owned by the request: it ends with it.
 */
export class OutgoingDeadline {
  readonly #outgoing: ClientRequest;
  #timer: NodeJS.Timeout;

  /** `outgoing` has just been made: it has no socket yet. */
  constructor(outgoing: ClientRequest, times: OutgoingTimes) {
    this.#outgoing = outgoing;
    this.#timer = setTimeout(this.#expire, times.connectMs);
    const connected = (): void => {
      clearTimeout(this.#timer);
      if (!outgoing.destroyed) this.#timer = setTimeout(this.#expire, times.responseMs);
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
    if (!this.#outgoing.destroyed && this.#outgoing.socket?.connecting === false) this.#timer.refresh();
  }

  readonly #expire = (): void => {
    this.#outgoing.destroy(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' }));
  };
}
