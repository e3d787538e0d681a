import type { TlsSettings } from '../tls/tls-settings.js';
import type { ConnectorLimits } from './connector-limits.js';
import type { ForwardingSettings } from './forwarding-settings.js';
import type { Http2Settings } from './http2-settings.js';
import type { ProxyProtocolSettings } from './proxy-protocol-settings.js';
import type { RedirectSettings } from './redirect-settings.js';

/**
 * How the connections of one listening address are treated, apart from where it listens. Plain data: the server sends
 * it to the fronts.
 */
export interface ConnectorSettings {
  readonly limits: ConnectorLimits;
  /** Undefined: connections are not encrypted. */
  readonly tls?: TlsSettings;
  /** With `tls`: value of Strict-Transport-Security (RFC 6797 §6.1) of answers that have none. */
  readonly transportSecurity?: string;
  /** Without `tls`: what certification authorities may ask for at the time the front begins, token to answer. */
  readonly httpChallenges?: Readonly<Record<string, string>>;
  /** Nothing is served here: everybody is sent to https. */
  readonly redirect?: RedirectSettings;
  /** Undefined: HTTP/1.1 only. */
  readonly http2?: Http2Settings;
  /** Undefined: connections begin with TLS or HTTP. */
  readonly proxyProtocol?: ProxyProtocolSettings;
  /** Undefined: what proxies say is left to the application, as in an engine on its own. */
  readonly forwarding?: ForwardingSettings;
}
