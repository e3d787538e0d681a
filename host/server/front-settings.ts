import type { ConnectorSettings } from '../config/connector-settings.js';
import { DEFAULT_FORWARDING } from '../config/forwarding-settings.js';
import type { ConnectorConfig, HostConfig } from '../config/host-config.js';
import { redirectSettingsOf } from '../config/redirect-schema.js';
import type { FrontSettings } from '../front/messages.js';
import type { Certificates } from './certificates/certificates.js';
import type { FrontConnector } from './front-process.js';
import type { ListeningSocket } from './listening-socket.js';

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
function connectorSettingsOf(
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

/** What fronts are given to accept on: the sockets in the order of the configuration, which `inForce` gives as it is now. */
export function frontConnectorsOf(
  sockets: readonly ListeningSocket[],
  inForce: () => readonly ConnectorConfig[],
  certificates: Pick<Certificates, 'settings' | 'httpChallenges'>,
): readonly FrontConnector[] {
  const portOf = (name: string) => sockets.find(({ connector }) => connector === name)?.port;
  return sockets.map((socket, index) => ({
    socket,
    get settings(): ConnectorSettings {
      const connector = inForce()[index];
      if (connector === undefined) throw new Error(`no connector ${index}`);
      return connectorSettingsOf(connector, certificates, portOf);
    },
  }));
}
