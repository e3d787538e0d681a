import type { ConnectorSettings } from '../../config/connector-settings.js';

/** Names of protocols in ALPN (RFC 7301). */
const HTTP_1_1 = 'http/1.1';
/** RFC 9113 §3.2. */
export const HTTP_2 = 'h2';
/** RFC 8737. */
export const CHALLENGE_PROTOCOL = 'acme-tls/1';

/**
 * What a connector offers, best first. The first one that the client has too is spoken; a client that has none of them is
 * refused, and one without ALPN speaks HTTP/1.1.
 */
export function offeredProtocols({ http2 }: ConnectorSettings): readonly string[] {
  return http2 === undefined ? [HTTP_1_1] : [HTTP_2, HTTP_1_1];
}
