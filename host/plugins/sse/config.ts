import { checkNumber } from '../../plugin/check-option.js';
import { MAX_DURATION_MS } from '../../units.js';

/** Options of `SSE`. */
export class SSEConfig {
  /**
   * Time between two comments that keep a silent stream alive through proxies, in ms. Default 30 000; 0: none. A client
   * that leaves with an orderly close is noticed when something is sent, so at the next heartbeat at the latest.
   */
  heartbeatMs = 30_000;
  /** What the comment says. Default `heartbeat`. */
  heartbeatText = 'heartbeat';
  /** How much may wait for a client that does not read; then it is cut. Default 16 MiB. */
  maxBufferedBytes = 16 * 1024 * 1024;
}

/** Throws `PORTICO_PLUGIN_OPTION` for a limit that means nothing. */
export function checkBuffer(maxBufferedBytes: number): void {
  checkNumber('SSE: maxBufferedBytes', maxBufferedBytes, 1);
}

/** Throws `PORTICO_PLUGIN_OPTION` for a time that means nothing. */
export function checkHeartbeat(heartbeatMs: number): void {
  checkNumber('SSE: heartbeatMs', heartbeatMs, 0, MAX_DURATION_MS);
}
