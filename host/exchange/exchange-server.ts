import { chmodSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { messageOf, PorticoError } from '../errors.js';
import type { ExchangeHandler } from './exchange.js';
import { DEFAULT_MAX_EXCHANGES, DEFAULT_WINDOW_BYTES } from './frame.js';
import { ServerConnection, type ServerConnectionOwner } from './server-connection.js';
import { checkSocketPath } from './socket-path.js';

/** What an instance needs to answer fronts. */
export interface ExchangeServerOptions {
  /** In a folder of mode 0700. A socket file that nobody listens on is replaced. */
  readonly socketPath: string;
  readonly secret: string;
  /** Called synchronously for each request; its `head` is a WireRequestHead with `contextPath`. */
  readonly handler: ExchangeHandler;
  /** Default 5000. */
  readonly handshakeTimeoutMs?: number;
  /** Exchanges at once on one connection. Default 16,384. */
  readonly maxExchanges?: number;
  /** Request body bytes taken per exchange before `consumed`. Default 256 KiB. */
  readonly windowBytes?: number;
}

/** Connections at once; each front has one. */
const MAX_CONNECTIONS = 256;

/**
 * The instance's end of the exchange protocol: listens on a Unix socket for fronts. Owned by the agent, which calls
 * `listen`, later `drain` and `close`.
 */
export class ExchangeServer implements ServerConnectionOwner {
  readonly secret: string;
  readonly handler: ExchangeHandler;
  readonly handshakeTimeoutMs: number;
  readonly maxExchanges: number;
  readonly windowBytes: number;
  isDraining = false;

  private readonly socketPath: string;
  private readonly server: Server;
  private readonly connections = new Set<ServerConnection>();
  private onIdle: (() => void) | undefined;

  constructor(options: ExchangeServerOptions) {
    this.socketPath = options.socketPath;
    this.secret = options.secret;
    this.handler = options.handler;
    this.handshakeTimeoutMs = options.handshakeTimeoutMs ?? 5000;
    this.maxExchanges = options.maxExchanges ?? DEFAULT_MAX_EXCHANGES;
    this.windowBytes = options.windowBytes ?? DEFAULT_WINDOW_BYTES;
    this.server = createServer((socket) => this.accept(socket));
    this.server.maxConnections = MAX_CONNECTIONS;
  }

  /**
   * Listens; the socket file has mode 0600. Rejects with PORTICO_EXCHANGE_SOCKET_PATH or PORTICO_EXCHANGE_LISTEN.
   */
  async listen(): Promise<void> {
    checkSocketPath(this.socketPath);
    try {
      await this.bind();
    } catch (error) {
      if (!isInUse(error) || (await this.isAnswered())) throw this.listenError(error);
      try {
        unlinkSync(this.socketPath);
        await this.bind();
      } catch (second) {
        throw this.listenError(second);
      }
    }
    chmodSync(this.socketPath, 0o600);
  }

  /** Exchanges of all fronts whose directions are not both closed. */
  get activeExchanges(): number {
    let count = 0;
    for (const connection of this.connections) count += connection.activeExchanges;
    return count;
  }

  /** Tells every front, also one that connects later, to open no more exchanges; those that exist go on. */
  drain(): void {
    if (this.isDraining) return;
    this.isDraining = true;
    for (const connection of this.connections) connection.sendDrain();
  }

  /**
   * Drains, stops listening, and resolves when the fronts have finished and closed their connections; after
   * `deadlineMs` the rest is cut. No request is lost when fronts obey DRAIN. Further calls only shorten the wait.
   */
  async close(deadlineMs: number): Promise<void> {
    this.drain();
    const isListening = this.server.listening;
    const closed = new Promise<void>((resolve) => {
      if (isListening) this.server.close(() => resolve());
      else resolve();
    });
    for (const connection of this.connections) connection.cutUnlessGreeted();
    if (this.connections.size > 0) {
      await new Promise<void>((resolve) => {
        const previous = this.onIdle;
        const timer = setTimeout(resolve, deadlineMs);
        this.onIdle = () => {
          clearTimeout(timer);
          previous?.();
          resolve();
        };
      });
    }
    for (const connection of this.connections) connection.cut('the instance stopped');
    await closed;
  }

  /** Sends now what was answered in this turn of the event loop; for a process that has no further turn. */
  flush(): void {
    for (const connection of this.connections) connection.writer.flush();
  }

  forget(connection: ServerConnection): void {
    this.connections.delete(connection);
    if (this.connections.size === 0) this.onIdle?.();
  }

  private accept(socket: Socket): void {
    this.connections.add(new ServerConnection(socket, this));
  }

  private bind(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen({ path: this.socketPath }, () => {
        this.server.off('error', reject);
        this.server.on('error', this.onServerError);
        resolve();
      });
    });
  }

  /** True unless the socket file is left over from a process that is gone. */
  private isAnswered(): Promise<boolean> {
    return new Promise((resolve) => {
      const probe = connect({ path: this.socketPath });
      probe.setTimeout(1000, () => probe.destroy());
      probe.on('connect', () => probe.destroy());
      probe.on('error', (error) => resolve(!hasCode(error, 'ECONNREFUSED')));
      probe.on('close', () => resolve(true));
    });
  }

  /** Failures to accept, such as too few descriptors, concern the one front, which will try again. */
  private readonly onServerError = (error: Error): void => {
    process.emitWarning(`the exchange socket could not accept a front: ${messageOf(error)}`, {
      code: 'PORTICO_EXCHANGE_LISTEN',
    });
  };

  private listenError(cause: unknown): PorticoError {
    return new PorticoError(
      'PORTICO_EXCHANGE_LISTEN',
      `cannot listen on ${this.socketPath}: ${messageOf(cause)}; ` +
        'the folder must exist and no other process may use this socket',
      { cause },
    );
  }
}

function isInUse(error: unknown): boolean {
  return hasCode(error, 'EADDRINUSE');
}

function hasCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && (error as NodeJS.ErrnoException).code === code;
}
