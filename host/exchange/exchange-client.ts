import { connect as connectSocket } from 'node:net';
import { ClientConnection, type ExchangeClientOptions } from './client-connection.js';
import type { OutgoingExchange, ResponseListener } from './client-exchange.js';
import type { RequestHead } from './exchange.js';
import { checkSocketPath } from './socket-path.js';

export type { ExchangeClientOptions } from './client-connection.js';
export type { OutgoingExchange, ResponseListener } from './client-exchange.js';

/**
 * The front's end of the exchange protocol: one connection to one instance, many exchanges at once. The front owns it
 * and closes it; it closes itself when the peer goes away, breaks the protocol, or has drained.
 */
export class ExchangeClient {
  private readonly connection: ClientConnection;

  private constructor(connection: ClientConnection) {
    this.connection = connection;
  }

  /**
   * Connects and shakes hands. Rejects with PORTICO_EXCHANGE_CONNECT (no socket, refused), PORTICO_EXCHANGE_TIMEOUT,
   * PORTICO_EXCHANGE_SECRET, PORTICO_EXCHANGE_VERSION, PORTICO_EXCHANGE_PROTOCOL or PORTICO_EXCHANGE_CLOSED.
   */
  static connect(options: ExchangeClientOptions): Promise<ExchangeClient> {
    return new Promise((resolve, reject) => {
      checkSocketPath(options.socketPath);
      const socket = connectSocket({ path: options.socketPath });
      const connection = new ClientConnection(socket, options, (error) => {
        if (error === undefined) resolve(new ExchangeClient(connection));
        else reject(error);
      });
    });
  }

  /**
   * Opens an exchange. `path` replaces `head.path` (the front has stripped the prefix); `contextPath` is by default
   * what was stripped. A request with `bodyLength` 0 is complete at once. When the connection cannot take it (closed,
   * draining, no free id), `listener.aborted(REFUSED)` follows; PROTOCOL_ERROR when the head is too large to be sent.
   */
  open(head: RequestHead, path: string, listener: ResponseListener, contextPath?: string): OutgoingExchange {
    return this.connection.open(head, path, listener, contextPath ?? strippedFrom(head.path, path));
  }

  /** Exchanges that are not over in both directions, aborted ones until the instance has confirmed. */
  get activeExchanges(): number {
    return this.connection.activeExchanges;
  }

  /** False once closed or draining. */
  get isOpen(): boolean {
    return this.connection.isOpen;
  }

  /** Times a handful of bytes were handed to the socket; with the frames of a turn batched, far fewer than frames. */
  get writeCount(): number {
    return this.connection.writer.writeCount;
  }

  /**
   * Resolves with the round-trip time in milliseconds. Rejects with PORTICO_EXCHANGE_TIMEOUT after `deadlineMs`, or
   * PORTICO_EXCHANGE_CLOSED. The instance answers from its event loop, so a blocked one does not.
   */
  ping(deadlineMs: number): Promise<number> {
    return this.connection.ping(deadlineMs);
  }

  /** Aborts what is open with INSTANCE_GONE and closes. */
  close(): void {
    this.connection.close();
  }
}

/** `/shop` for `/shop/cart` and `/cart`, also for `/shop` and `/`; `''` when nothing was stripped. */
function strippedFrom(whole: string, path: string): string {
  if (whole.length === path.length) return '';
  if (whole.endsWith(path)) return whole.slice(0, whole.length - path.length);
  return path === '/' ? whole : '';
}
