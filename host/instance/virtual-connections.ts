import type { Server as NetServer } from 'node:net';
import { AbortReason, type Exchange } from '../exchange/exchange.js';
import { DirectRequests } from './direct-request.js';
import type { RequestMount } from './request-text.js';
import { VirtualConnection, type VirtualConnectionOwner } from './virtual-connection.js';

/**
 * Brings exchanges to an HTTP server as if clients had connected to it. Idle connections are kept for the next
 * exchange, since a new one costs a socket and a parser.
 * Owned by the application adapter; the connections live no longer than it.
 */
export class VirtualConnections implements VirtualConnectionOwner {
  readonly mount: RequestMount;
  readonly direct: DirectRequests | undefined;
  readonly #server: NetServer;
  /** `connection`, or `secureConnection` for an https.Server: the front has already undone the encryption. */
  readonly #event: string;
  readonly #idle: VirtualConnection[] = [];
  readonly #open = new Set<VirtualConnection>();
  #isClosed = false;

  constructor(server: NetServer, mount: RequestMount) {
    this.#server = server;
    this.mount = mount;
    const limited = server as unknown as { maxHeaderSize?: number };
    // A limit that the application has set is enforced by the parser.
    if (limited.maxHeaderSize === undefined || limited.maxHeaderSize === MAX_HEADER_BYTES) {
      // The connector has limited the head before; what is added on the way must not make it too large for Node.
      limited.maxHeaderSize = MAX_HEADER_BYTES;
      this.direct = new DirectRequests(server, mount);
    }
    this.#event = server.listenerCount('secureConnection') > 0 ? 'secureConnection' : 'connection';
  }

  readonly handle = (exchange: Exchange): void => {
    if (this.#isClosed || !this.#server.listening) {
      exchange.abort(AbortReason.REFUSED);
      return;
    }
    (this.#takeIdle() ?? this.#connect()).serve(exchange);
  };

  release(connection: VirtualConnection): void {
    if (this.#isClosed || this.#idle.length >= MAX_IDLE) connection.destroySoon();
    else this.#idle.push(connection);
  }

  forget(connection: VirtualConnection): void {
    this.#open.delete(connection);
  }

  /** Ends idle connections now, the others with their exchange. New exchanges are refused. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }

  /** Cuts whatever is still open. */
  destroy(): void {
    this.close();
    for (const connection of this.#open) connection.destroy();
  }

  #takeIdle(): VirtualConnection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop())
      if (!connection.destroyed && connection.writable) return connection;
    return undefined;
  }

  #connect(): VirtualConnection {
    const connection = new VirtualConnection(this);
    this.#open.add(connection);
    // What net.Server does for an accepted socket, and net.Socket undoes when it is destroyed: `server.close()` waits
    // for these, `getConnections` counts them.
    const counted = this.#server as unknown as { _connections: number };
    (connection as unknown as { _server: NetServer })._server = this.#server;
    counted._connections++;
    this.#server.emit(this.#event, connection);
    return connection;
  }
}

const MAX_HEADER_BYTES = 1024 * 1024;
/** Enough for bursts; an idle connection holds a parser, some 10 KiB. */
const MAX_IDLE = 128;
