import type { Socket } from 'node:net';
import type { ConnectorLimits } from '../config/connector-limits.js';
import type { ConnectionInfo, ExchangeHandler } from '../exchange/exchange.js';
import { currentHttpDate } from '../http/http-date.js';
import type { ConnectionContext, Http2Taker } from './connection-context.js';
import { ConnectionSet, sweepTimeOf } from './connection-set.js';
import type { ConnectorExchange } from './connector-exchange.js';
import type { ConnectorObserver } from './connector-observer.js';
import { Http1Connection } from './http1-connection.js';
import { refusalResponse, refusalStatus } from './refusal.js';
import { RequestHeadParser } from './request-head-parser.js';
import { RequestTarget } from './request-target.js';
import { resetSocket } from './reset-socket.js';
import { FieldWriter } from './response-bytes.js';
import { connectionInfoOf } from './socket-info.js';
import { TrailerParser } from './trailer-parser.js';
import type { Waiver } from './waiver.js';

export type {
  ClosingReason,
  ConnectorObserver,
  ExchangeResult,
  RefusedRequest,
} from './connector-observer.js';
export type { RefusalReason } from './refusal.js';

/** Most connections over the limit that still get an answer at one time; further ones are cut. */
const MAX_REFUSED_SOCKETS = 256;
/** The same where each of them takes one of the last descriptors. */
const FEW = 8;
/** Longest time such a connection stays. */
const REFUSED_MS = 500;
/**
 * Serves HTTP/1.x on sockets that somebody else accepts. Owns the connections made of them. Holds no
 * listening socket: stop accepting before `drain`.
 */
export class Http1Listener {
  private readonly connections: ConnectionSet;
  private readonly refusedSockets = new Set<Socket>();
  private readonly context: ConnectionContext;

  /** `waives`: by default nothing is waived. `transportSecurity`: as of FieldWriter. */
  constructor(options: {
    readonly limits: ConnectorLimits;
    readonly handler: ExchangeHandler;
    readonly observer?: ConnectorObserver;
    readonly waives?: Waiver | undefined;
    readonly transportSecurity?: string | undefined;
    /** Undefined: clients that speak HTTP/2 are refused. */
    readonly http2?: Http2Taker | undefined;
    /** As of RequestTarget. */
    readonly isGateway?: ((connection: ConnectionInfo) => boolean) | undefined;
  }) {
    const { limits, handler, waives } = options;
    this.context = {
      limits,
      openElsewhere: 0,
      handler,
      observer: options.observer ?? {},
      waives,
      headParser: new RequestHeadParser(limits, waives !== undefined),
      trailerParser: new TrailerParser(limits),
      target: new RequestTarget(options.isGateway),
      fieldWriter: new FieldWriter(options.transportSecurity),
      now: performance.now(),
      sweepMs: sweepTimeOf(limits),
      isDraining: false,
      forget: (connection) => this.connections.forget(connection),
      http2: options.http2,
      release: (connection) => this.connections.release(connection),
    };
    this.connections = new ConnectionSet(this.context, this.context.observer);
  }

  /** Connections being served, tunnels included. */
  get openConnections(): number {
    return this.connections.size;
  }

  /** Calls for each exchange that is open; costs nothing before. */
  eachOpen(visit: (exchange: ConnectorExchange) => void): void {
    this.connections.eachOpen(visit);
  }

  /**
   * Serves one connection from its first byte on, and owns the socket from here. Beyond `maxConnections` it gets 503
   * and is closed. `info`: what is known of the connection already; else it is read from the socket.
   */
  attach(socket: Socket, info: ConnectionInfo = connectionInfoOf(socket, false)): void {
    // A client may close its direction and still read the answer.
    socket.allowHalfOpen = true;
    socket.setNoDelay(true);
    const open = this.connections.size + (this.context.http2?.openConnections ?? 0);
    if (open + this.context.openElsewhere >= this.context.limits.maxConnections) {
      this.refuse(socket, info, 'connection-limit');
      return;
    }
    this.connections.wake();
    const connection = new Http1Connection(socket, this.context, info);
    this.connections.add(connection);
    if (this.context.isDraining) connection.drain();
    this.context.observer.connectionOpened?.();
  }

  /**
   * Lets go of all connections: idle ones now, busy ones behind the exchange in flight, whose answer carries
   * `Connection: close`. Resolves when none is left, or when `deadlineMs` milliseconds have passed and the rest has
   * been destroyed. Tunnels are left to their handler until then.
   */
  async drain(deadlineMs: number): Promise<void> {
    await this.connections.drain(deadlineMs);
    for (const socket of this.refusedSockets) socket.destroy();
  }

  /** So many more connections count against `maxConnections` from now on: those of other processes on the same socket. */
  countElsewhere(open: number): void {
    this.context.openElsewhere = open;
  }

  /**
   * Lets connections end by themselves: each serves the request in flight, or one more, and closes behind it. Nobody who
   * has just sent a request loses it.
   */
  retire(): void {
    this.connections.retire();
  }

  /** Closes up to `most` connections that wait for a request; says how many. */
  shedIdle(most: number): number {
    return this.connections.shedIdle(most);
  }

  /** Answers 503 to a connection that cannot be served, and closes it. */
  refuse(socket: Socket, connection: ConnectionInfo, reason: 'connection-limit' | 'descriptor-limit'): void {
    const status = refusalStatus(reason);
    this.context.observer.refused?.(reason, status, connection, undefined);
    // The peer may already be gone; there is nothing to be done about it.
    socket.on('error', () => socket.destroy());
    if (this.refusedSockets.size >= (reason === 'descriptor-limit' ? FEW : MAX_REFUSED_SOCKETS)) {
      resetSocket(socket);
      return;
    }
    this.refusedSockets.add(socket);
    const timer = setTimeout(() => socket.destroy(), REFUSED_MS);
    socket.on('close', () => {
      clearTimeout(timer);
      this.refusedSockets.delete(socket);
    });
    socket.resume();
    socket.end(refusalResponse(reason, currentHttpDate()), 'latin1');
  }
}
