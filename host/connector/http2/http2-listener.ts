import type { Socket } from 'node:net';
import type { ConnectorLimits } from '../../config/connector-limits.js';
import type { Http2Settings } from '../../config/http2-settings.js';
import type { ConnectionInfo, ExchangeHandler } from '../../exchange/exchange.js';
import type { Http2Taker } from '../connection-context.js';
import { ConnectionSet, sweepTimeOf } from '../connection-set.js';
import type { ConnectorExchange } from '../connector-exchange.js';
import type { ConnectorObserver } from '../connector-observer.js';
import { RequestTarget } from '../request-target.js';
import type { Waiver } from '../waiver.js';
import { Http2Connection } from './http2-connection.js';
import type { Http2Context } from './http2-context.js';
import { RequestHeadReader } from './request-head.js';
import { ResponseFields } from './response-fields.js';

/**
 * Serves HTTP/2 on sockets that somebody else accepts, and of which it is known that the client speaks it: by ALPN, or by
 * the preface it sent. Owns the connections made of them. Holds no listening socket: stop accepting before `drain`.
 */
export class Http2Listener implements Http2Taker {
  private readonly context: Http2Context;
  private readonly connections: ConnectionSet;

  /** `waives`: by default nothing is waived. `transportSecurity`: as of FieldWriter. */
  constructor(options: {
    readonly limits: ConnectorLimits;
    readonly settings: Http2Settings;
    readonly handler: ExchangeHandler;
    readonly observer?: ConnectorObserver;
    readonly waives?: Waiver | undefined;
    readonly transportSecurity?: string | undefined;
  }) {
    const { limits, settings, handler } = options;
    this.context = {
      limits,
      settings,
      options: {
        maxSessionInvalidFrames: settings.maxInvalidFrames,
        maxSessionMemory: Math.ceil(settings.maxSessionMemoryBytes / 1_000_000),
        // Pseudo-headers and the crumbs of cookies are not counted by us.
        maxHeaderListPairs: limits.maxHeaderCount + EXTRA_PAIRS,
        settings: {
          maxConcurrentStreams: settings.maxConcurrentStreams,
          maxHeaderListSize: settings.maxHeaderListBytes,
          initialWindowSize: settings.streamWindowBytes,
          enableConnectProtocol: true,
        },
      },
      handler,
      observer: options.observer ?? {},
      waives: options.waives,
      headReader: new RequestHeadReader(limits, new RequestTarget()),
      responseFields: new ResponseFields(options.transportSecurity),
      now: performance.now(),
      sweepMs: sweepTimeOf(limits),
      isDraining: false,
      forget: (connection) => this.connections.forget(connection),
    };
    this.connections = new ConnectionSet(this.context, this.context.observer);
  }

  /** Connections being served. */
  get openConnections(): number {
    return this.connections.size;
  }

  /** Calls for each exchange that is open; costs nothing before. */
  eachOpen(visit: (exchange: ConnectorExchange) => void): void {
    this.connections.eachOpen(visit);
  }

  /** Serves one connection from its first byte on, and owns the socket from here. */
  attach(socket: Socket, info: ConnectionInfo): void {
    this.adopt(socket, info);
    this.context.observer.connectionOpened?.();
  }

  /**
   * Serves a connection that is counted already, and owns the socket from here. Bytes read of it before have been put
   * back by `unshift`.
   */
  adopt(socket: Socket, info: ConnectionInfo): void {
    this.connections.wake();
    this.connections.add(new Http2Connection(socket, this.context, info));
  }

  /** As that of the listener of HTTP/1.1. */
  shedIdle(most: number): number {
    return this.connections.shedIdle(most);
  }

  /** Lets connections end by themselves: they are told to open no more streams, and close behind those in flight. */
  retire(): void {
    this.connections.retire();
    this.connections.letGo();
  }

  /**
   * Lets go of all connections: they are told to open no more streams, and close behind those in flight. Resolves when
   * none is left, or when `deadlineMs` milliseconds have passed and the rest has been destroyed.
   */
  async drain(deadlineMs: number): Promise<void> {
    await this.connections.drain(deadlineMs);
  }
}

/** Pseudo-headers, and most crumbs of cookies that are joined to one field. */
const EXTRA_PAIRS = 5 + 100;
