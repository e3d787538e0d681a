/**
 * Limits of one connector. Each has a default, can be set in `host.yaml`, and has a counter of its own for what it
 * refused.
 */
export interface ConnectorLimits {
  /** Request line and header section together; 431 beyond it. */
  readonly maxHeaderBytes: number;
  /** Header fields of one request, or trailer fields; 431 beyond it. */
  readonly maxHeaderCount: number;
  /** Request target; 414 beyond it. */
  readonly maxTargetBytes: number;
  /** From the first byte of a request to the end of its header section, in total; 408 beyond it. */
  readonly headerTimeoutMs: number;
  /**
   * Longest pause within a request body, and longest wait for a client that does not read; 408 or cut. Also the
   * period in which the least rates have to be reached.
   */
  readonly bodyIdleTimeoutMs: number;
  /**
   * Bytes per second at which a request body has to come while it is waited for, in each `bodyIdleTimeoutMs`; 408
   * below. Not asked for once the answer has begun. 0: any byte will do.
   */
  readonly minBodyBytesPerSecond: number;
  /**
   * Bytes per second at which a client has to read its answer while some of it waits, in each `bodyIdleTimeoutMs`; cut
   * below. Not asked for in tunnels. 0: any byte will do.
   */
  readonly minReadBytesPerSecond: number;
  /** Idle time between two requests on a connection; closed silently beyond it. */
  readonly keepAliveTimeoutMs: number;
  /** Requests on one connection; the last answer carries `Connection: close`. 0: no limit. */
  readonly maxRequestsPerConnection: number;
  /** Open connections; a connection beyond it gets 503 and is closed. */
  readonly maxConnections: number;
}

/** The defaults. */
export const DEFAULT_CONNECTOR_LIMITS: ConnectorLimits = {
  maxHeaderBytes: 16 * 1024,
  maxHeaderCount: 100,
  maxTargetBytes: 8 * 1024,
  headerTimeoutMs: 20_000,
  bodyIdleTimeoutMs: 30_000,
  minBodyBytesPerSecond: 240,
  minReadBytesPerSecond: 240,
  keepAliveTimeoutMs: 60_000,
  maxRequestsPerConnection: 0,
  maxConnections: 10_000,
};
