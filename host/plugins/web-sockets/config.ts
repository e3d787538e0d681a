import { checkNumber } from '../../plugin/check-option.js';
import { MAX_DURATION_MS } from '../../units.js';

/** Options of `WebSockets`. */
export class WebSocketsConfig {
  /**
   * Pages that may open sessions besides those of the host that was asked: origins such as `https://shop.example`, or
   * `any`. Other pages are 403: they would come with the cookies of the user. Clients that send no `Origin`, so all
   * but browsers, pass. Behind a proxy that changes the host, the plugin `ForwardedHeaders` must tell the one that the
   * client used. Default: none.
   */
  allowedOrigins: 'any' | readonly string[] = [];
  /** Time between two pings to a client, in ms. Default 0: none. */
  pingPeriodMs = 0;
  /**
   * How long the answer to a ping may take; then the session is closed with 1011. A client that is not read because
   * messages wait for the handler is not pinged. Default 15 000.
   */
  timeoutMs = 15_000;
  /** Largest message, its frames added up; a larger one closes the session with 1009. Default 1 MiB. */
  maxFrameBytes = 1024 * 1024;
  /** Most frames of one message; more close the session with 1008. Default 65 536: 4 MiB in pieces of 64 bytes. */
  maxFragments = 65_536;
  /** How many messages may wait for the handler; then the client is not read any more. Default 64. */
  maxQueuedMessages = 64;
  /** How many bytes of them may wait; at least one message always may. Default 4 MiB. */
  maxQueuedBytes = 4 * 1024 * 1024;
  /** How much may wait for a client that does not read when more is sent; then it is cut. Default 16 MiB. */
  maxBufferedBytes = 16 * 1024 * 1024;
  /** How long a client may take to answer a close; then the connection is cut. Default 5000. */
  closeTimeoutMs = 5000;
  /**
   * Compresses messages where the client offers it (RFC 7692): true, or from which size on. Default false: it costs
   * memory for each session.
   */
  perMessageDeflate: boolean | { readonly thresholdBytes: number } = false;
}

const NUMBERS = [
  ['pingPeriodMs', 0],
  ['timeoutMs', 1],
  ['maxFrameBytes', 1],
  ['maxFragments', 1],
  ['maxQueuedMessages', 1],
  ['maxQueuedBytes', 1],
  ['maxBufferedBytes', 1],
  ['closeTimeoutMs', 1],
] as const;

/** Throws `PORTICO_PLUGIN_OPTION` for a value that means nothing. */
export function checkConfig(config: WebSocketsConfig): void {
  for (const [name, least] of NUMBERS)
    checkNumber(
      `WebSockets: ${name}`,
      config[name],
      least,
      name.endsWith('Ms') ? MAX_DURATION_MS : undefined,
    );
}
