import { messageOf } from '../../errors.js';
import type { RequestHead } from '../../exchange/exchange.js';
import {
  ExchangeClient,
  type OutgoingExchange,
  type ResponseListener,
} from '../../exchange/exchange-client.js';

/** Where an instance answers. */
export interface InstanceEndpoint {
  /** Identity of the process: `shop##2/1#3`. */
  readonly instance: string;
  readonly socketPath: string;
  /** Hex. */
  readonly secret: string;
}

export type ChannelState = 'connecting' | 'open' | 'lost' | 'closed';

/**
 * The connection of this front to one instance: connecting, open, lost (and tried again on demand), closed for good.
 * Owned by the ProcessRuntime of the instance's deployment.
 */
export class InstanceChannel {
  readonly endpoint: InstanceEndpoint;
  /** No route names the instance any more: nothing new is sent, and the channel closes when nothing is open. */
  isRetired = false;
  readonly #onLost: (channel: InstanceChannel, reason: string) => void;
  #state: ChannelState = 'connecting';
  #client: ExchangeClient | undefined;
  #attempt: Promise<void>;
  #attemptedAt = 0;
  #isDraining = false;

  /** Begins to connect at once. `onLost` hears of a failed attempt and of a broken connection. */
  constructor(endpoint: InstanceEndpoint, onLost: (channel: InstanceChannel, reason: string) => void) {
    this.endpoint = endpoint;
    this.#onLost = onLost;
    this.#attempt = this.#connect();
  }

  get state(): ChannelState {
    return this.#state;
  }

  /** True when a request may be sent. */
  get isUsable(): boolean {
    return this.#client !== undefined && !this.#isDraining && !this.isRetired && this.#client.isOpen;
  }

  get activeExchanges(): number {
    return this.#client?.activeExchanges ?? 0;
  }

  /** Resolves when the attempt to connect that is going on has succeeded or failed. Never rejects. */
  get attempt(): Promise<void> {
    return this.#attempt;
  }

  /** Sends a request; undefined when the connection cannot take it, with nothing sent. */
  open(
    head: RequestHead,
    path: string,
    listener: ResponseListener,
    contextPath: string,
  ): OutgoingExchange | undefined {
    if (!this.isUsable || this.#client === undefined) return undefined;
    return this.#client.open(head, path, listener, contextPath);
  }

  /** Tries again after a loss; false when there is no point in it yet. */
  reconnect(): boolean {
    if (this.#state !== 'lost' || this.isRetired) return false;
    if (performance.now() - this.#attemptedAt < MIN_ATTEMPT_INTERVAL_MS) return false;
    this.#state = 'connecting';
    this.#attempt = this.#connect();
    return true;
  }

  /** Closes for good; what is open is given up. */
  close(): void {
    this.#state = 'closed';
    const client = this.#client;
    this.#client = undefined;
    client?.close();
  }

  async #connect(): Promise<void> {
    this.#attemptedAt = performance.now();
    try {
      const client = await ExchangeClient.connect({
        socketPath: this.endpoint.socketPath,
        secret: this.endpoint.secret,
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        onClosed: (reason) => {
          if (this.#client === client) this.#lose(reason);
        },
        onDraining: () => {
          this.#isDraining = true;
        },
      });
      if (this.#state === 'closed') {
        client.close();
        return;
      }
      this.#client = client;
      this.#isDraining = false;
      this.#state = 'open';
    } catch (thrown) {
      this.#lose(messageOf(thrown));
    }
  }

  #lose(reason: string): void {
    this.#client = undefined;
    if (this.#state === 'closed') return;
    if (this.#isDraining) {
      // It said that it would go. It does not come back.
      this.#state = 'closed';
      return;
    }
    this.#state = 'lost';
    this.#onLost(this, reason);
  }
}

/** For connecting and the handshake; requests wait meanwhile. */
const CONNECT_TIMEOUT_MS = 2000;
/** A lost instance is tried again by requests, but not more often than this. */
const MIN_ATTEMPT_INTERVAL_MS = 250;
