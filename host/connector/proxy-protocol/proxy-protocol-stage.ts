import type { Socket } from 'node:net';
import type { ProxyProtocolSettings } from '../../config/proxy-protocol-settings.js';
import type { ConnectionInfo } from '../../exchange/exchange.js';
import { AddressRanges } from '../../http/address-ranges.js';
import type { ConnectorObserver } from '../connector-observer.js';
import { type RefusalReason, refusalStatus } from '../refusal.js';
import { resetSocket } from '../reset-socket.js';
import { connectionInfoOf } from '../socket-info.js';
import { readProxyHeader } from './read-proxy-header.js';

/** What a stage is made with. */
export interface ProxyProtocolStageOptions {
  readonly settings: ProxyProtocolSettings;
  readonly observer: ConnectorObserver;
  /** The header has been read, and what follows it was put back; whoever the connection is given to owns it. */
  readonly passed: (socket: Socket, info: ConnectionInfo) => void;
}

/**
 * Takes the header of the PROXY protocol from the beginning of connections, in front of TLS and HTTP, so that these know the
 * client instead of the load balancer. Owns each connection until its header is complete, and cuts it at the deadline.
 *
 * Only load balancers that are named may send it: who else could, could be anybody. Where it is required, all others are
 * cut; where it is not, they are served as they come.
 */
export class ProxyProtocolStage {
  readonly #options: ProxyProtocolStageOptions;
  readonly #senders: AddressRanges;
  readonly #waiting = new Map<Socket, Waiting>();

  constructor(options: ProxyProtocolStageOptions) {
    this.#options = options;
    this.#senders = new AddressRanges(options.settings.from);
  }

  /** Connections whose header is not complete. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Takes over a connection nobody has read from. */
  accept(socket: Socket): void {
    const { settings, passed } = this.#options;
    const info = connectionInfoOf(socket, false);
    if (!this.#senders.has(info.remoteAddress)) {
      if (!settings.required) passed(socket, info);
      else this.#refuse(socket, info, 'proxy-protocol-sender');
      return;
    }
    const waiting: Waiting = {
      info,
      bytes: undefined,
      timer: setTimeout(() => this.#refuse(socket, info, 'proxy-protocol-timeout'), settings.timeoutMs),
      onReadable: () => this.#read(socket, waiting),
      onClose: () => this.#forget(socket, waiting),
    };
    this.#waiting.set(socket, waiting);
    // What follows the header may be a request whose client has closed its direction already.
    socket.allowHalfOpen = true;
    socket.on('readable', waiting.onReadable);
    socket.on('end', destroyThis);
    socket.on('error', destroyThis);
    socket.once('close', waiting.onClose);
  }

  /** Cuts all connections that wait, after what has arrived already was read: there is no request that could be lost. */
  async drain(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    for (const socket of this.#waiting.keys()) socket.destroy();
  }

  #read(socket: Socket, waiting: Waiting): void {
    const chunk = socket.read() as Buffer | null;
    // Nothing yet; or the end, which has an event of its own.
    if (chunk === null) return;
    const bytes = waiting.bytes === undefined ? chunk : Buffer.concat([waiting.bytes, chunk]);
    const header = readProxyHeader(bytes);
    switch (header.state) {
      case 'incomplete':
        waiting.bytes = bytes;
        break;
      case 'complete':
        this.#pass(socket, waiting, bytes.subarray(header.length), { ...waiting.info, ...header.addresses });
        break;
      case 'absent':
        if (this.#options.settings.required) this.#refuse(socket, waiting.info, 'proxy-protocol-header');
        else this.#pass(socket, waiting, bytes, waiting.info);
        break;
      case 'broken':
        this.#refuse(socket, waiting.info, 'proxy-protocol-header');
        break;
    }
  }

  #pass(socket: Socket, waiting: Waiting, rest: Buffer, info: ConnectionInfo): void {
    this.#forget(socket, waiting);
    socket.off('readable', waiting.onReadable);
    socket.off('end', destroyThis);
    socket.off('error', destroyThis);
    socket.off('close', waiting.onClose);
    if (rest.length > 0) socket.unshift(rest);
    this.#options.passed(socket, info);
  }

  #refuse(socket: Socket, info: ConnectionInfo, reason: RefusalReason): void {
    this.#options.observer.refused?.(reason, refusalStatus(reason), info, undefined);
    socket.on('error', destroyThis);
    resetSocket(socket);
  }

  #forget(socket: Socket, waiting: Waiting): void {
    clearTimeout(waiting.timer);
    this.#waiting.delete(socket);
  }
}

/** A connection whose header is not complete. */
interface Waiting {
  readonly info: ConnectionInfo;
  /** What has come of the header. */
  bytes: Buffer | undefined;
  readonly timer: NodeJS.Timeout;
  readonly onReadable: () => void;
  readonly onClose: () => void;
}

function destroyThis(this: Socket): void {
  this.destroy();
}
