import type { Socket } from 'node:net';
import type { ConnectorLimits } from '../config/connector-limits.js';
import type { ConnectionInfo, ExchangeHandler } from '../exchange/exchange.js';
import type { ConnectorExchange } from './connector-exchange.js';
import type { ConnectorObserver } from './connector-observer.js';
import type { RequestHeadParser } from './request-head-parser.js';
import type { RequestTarget } from './request-target.js';
import type { FieldWriter } from './response-bytes.js';
import type { TrailerParser } from './trailer-parser.js';
import type { Waiver } from './waiver.js';

/** What all connections of one listener look at. */
export interface ListenerClock {
  /** Milliseconds of the clock of deadlines (`SweepClock`), set at each sweep. */
  now: number;
  /** Time between two sweeps: how old `now` can be. */
  readonly sweepMs: number;
  isDraining: boolean;
}

/**
 * What all connections of one listener share. Parsers and writers have no state between two calls, so one of each
 * is enough. The listener owns it.
 */
export interface ConnectionContext extends ListenerClock {
  readonly limits: ConnectorLimits;
  /** Connections of other connectors that count against `maxConnections`. */
  openElsewhere: number;
  readonly handler: ExchangeHandler;
  readonly observer: ConnectorObserver;
  /** Undefined: nobody waives a rule. */
  readonly waives: Waiver | undefined;
  readonly headParser: RequestHeadParser;
  readonly trailerParser: TrailerParser;
  readonly target: RequestTarget;
  readonly fieldWriter: FieldWriter;
  /** The connection has closed. */
  forget(connection: ServedConnection): void;
  /** Undefined: a client that speaks HTTP/2 is refused. */
  readonly http2: Http2Taker | undefined;
  /** The connection is served by somebody else from here on. */
  release(connection: ServedConnection): void;
}

/** Who serves the clients that turn out to speak HTTP/2. */
export interface Http2Taker {
  /** Connections it serves; they count against the same limit. */
  readonly openConnections: number;
  /** Takes over a connection that is counted already. What was read of the socket has been put back. */
  adopt(socket: Socket, info: ConnectionInfo): void;
}

/** A connection as its listener sees it. */
export interface ServedConnection {
  /** Called at every sweep, with the time of `ConnectionContext.now`: cuts what has waited too long. */
  sweep(now: number): void;
  /** Closes now if nothing is in flight, otherwise behind the exchange in flight. Tunnels stay. */
  drain(): void;
  destroy(): void;
  /** Calls for each exchange that is open, tunnels among them. */
  eachOpen(visit: (exchange: ConnectorExchange) => void): void;
  /** Closes now if nobody has anything to lose by it: it waits for a request. True when closed. MAY be left out. */
  shed?(): boolean;
}
