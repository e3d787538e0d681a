import { PorticoError } from '../../errors.js';

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
  if (Number.isFinite(maxBufferedBytes) && maxBufferedBytes >= 1) return;
  throw new PorticoError(
    'PORTICO_PLUGIN_OPTION',
    `SSE: maxBufferedBytes is ${maxBufferedBytes}. Use a number of at least 1.`,
  );
}

/** Throws `PORTICO_PLUGIN_OPTION` for a time that means nothing. */
export function checkHeartbeat(heartbeatMs: number): void {
  if (Number.isFinite(heartbeatMs) && heartbeatMs >= 0) return;
  throw new PorticoError(
    'PORTICO_PLUGIN_OPTION',
    `SSE: heartbeatMs is ${heartbeatMs}. Use a number of at least 0.`,
  );
}
