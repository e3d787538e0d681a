import type { ConnectorSettings } from '../config/connector-settings.js';
import { DEFAULT_FORWARDING } from '../config/forwarding-settings.js';
import type { ConnectorConfig, HostConfig } from '../config/host-config.js';
import { redirectSettingsOf } from '../config/redirect-schema.js';
import type { FrontSettings } from '../front/messages.js';
import type { Certificates } from './certificates/certificates.js';

/** What fronts are told of the configuration, apart from connectors. */
export function frontSettingsOf({ accessLog, folders, virtualHosts }: HostConfig): FrontSettings {
  return {
    accessLog: accessLog.enabled ? { ...accessLog, folder: folders.logs } : undefined,
    retryAfterSeconds: 5,
    tunnelCloseMs: 2000,
    virtualHosts,
  };
}

/** What fronts are told of one connector, with its certificates as they are now. `portOf`: the real port of a connector. */
export function connectorSettingsOf(
  connector: ConnectorConfig,
  certificates: Pick<Certificates, 'settings' | 'httpChallenges'>,
  portOf: (connector: string) => number | undefined,
): ConnectorSettings {
  const { name, limits, http2, redirect, tls, proxyProtocol, forwarding = DEFAULT_FORWARDING } = connector;
  const own = certificates.settings(name);
  return {
    limits,
    ...(http2 !== undefined && { http2 }),
    forwarding,
    ...(proxyProtocol !== undefined && { proxyProtocol }),
    ...(own === undefined ? { httpChallenges: certificates.httpChallenges } : { tls: own }),
    ...(tls?.transportSecurity !== undefined && { transportSecurity: tls.transportSecurity }),
    ...(redirect !== undefined && { redirect: redirectSettingsOf(redirect, portOf) }),
  };
}
