import type { Socket } from 'node:net';
import type { ConnectorSettings } from '../config/connector-settings.js';
import type { ExchangeHandler } from '../exchange/exchange.js';
import type { ConnectorObserver } from './connector-observer.js';
import { Http1Listener } from './http1-listener.js';

/** What a connector is made with. */
export interface ConnectorOptions {
  readonly settings: ConnectorSettings;
  readonly handler: ExchangeHandler;
  readonly observer?: ConnectorObserver;
}

/**
 * One listening address, seen from its connections: takes each socket that somebody else has accepted through the
 * stages its settings ask for, and gives it to the listener of the protocol the client speaks. Owns the connections;
 * holds no listening socket: stop accepting before `drain`.
 */
export class Connector {
  readonly #http1: Http1Listener;

  constructor({ settings, handler, observer }: ConnectorOptions) {
    this.#http1 = new Http1Listener({
      limits: settings.limits,
      handler,
      ...(observer === undefined ? {} : { observer }),
    });
  }

  /** Connections being served, tunnels included. */
  get openConnections(): number {
    return this.#http1.openConnections;
  }

  /** Serves one accepted connection from its first byte on, and owns the socket from here. */
  accept(socket: Socket): void {
    this.#http1.attach(socket);
  }

  /** As `Http1Listener.drain`, for every protocol. */
  async drain(deadlineMs: number): Promise<void> {
    await this.#http1.drain(deadlineMs);
  }
}
