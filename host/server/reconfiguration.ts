import { isDeepStrictEqual } from 'node:util';
import type { ConnectorConfig, HostConfig } from '../config/host-config.js';
import type { TlsConfig } from '../config/tls-config.js';

/** What of a changed `host.yaml` can be in force without a restart, and what cannot. */
export interface Reconfiguration {
  /** What runs, with everything in its place that can change. */
  readonly config: HostConfig;
  /** Keys that are different now: `hosts`, `connectors.http.limits`. */
  readonly changed: readonly string[];
  /** Connectors of which something is different now. */
  readonly connectors: readonly string[];
  /** Keys that are different in the file and stay as they were: `fronts`, `connectors.http.port`. */
  readonly needsRestart: readonly string[];
}

/** Compares what runs with what the file says now. Pure; both are whole and checked. */
export function reconfigurationOf(running: HostConfig, wanted: HostConfig): Reconfiguration {
  const changed: string[] = [];
  const needsRestart: string[] = [];
  for (const [key, name] of FIXED) if (differ(running[key], wanted[key])) needsRestart.push(name);
  for (const [key, name] of MOVABLE) if (differ(running[key], wanted[key])) changed.push(name);
  const virtualHosts = virtualHostsOf(running, wanted, changed, needsRestart);
  const before = changed.length;
  const connectors = running.connectors.map((connector) => {
    const next = wanted.connectors.find(({ name }) => name === connector.name);
    if (next !== undefined) return connectorOf(connector, next, changed, needsRestart);
    needsRestart.push(`connectors.${connector.name}`);
    return connector;
  });
  for (const { name } of wanted.connectors)
    if (running.connectors.every((connector) => connector.name !== name))
      needsRestart.push(`connectors.${name}`);
  return {
    config: {
      ...running,
      connectors,
      virtualHosts,
      accessLog: wanted.accessLog,
      maintenance: wanted.maintenance,
      shutdownTimeoutMs: wanted.shutdownTimeoutMs,
    },
    changed,
    connectors: connectors
      .map(({ name }) => name)
      .filter((name) => changed.slice(before).some((key) => key.startsWith(`connectors.${name}.`))),
    needsRestart,
  };
}

type Names = readonly (readonly [keyof HostConfig, string])[];

/** Keys whose change needs a restart: property, and name in the file. */
const FIXED: Names = [
  ['folders', 'folders'],
  ['fronts', 'fronts'],
  ['admin', 'admin'],
  ['deployer', 'deployer'],
  ['supervisor', 'supervisor'],
  ['archives', 'archives'],
  ['applications', 'applications'],
  ['output', 'output'],
];

const MOVABLE: Names = [
  ['accessLog', 'accessLog'],
  ['maintenance', 'maintenance'],
  ['shutdownTimeoutMs', 'shutdownTimeout'],
];

/**
 * Applications that name the default host have the identity of its contexts, which has no host in it. So another host
 * cannot become the default one while any of them is mounted.
 */
function virtualHostsOf(
  { virtualHosts: running }: HostConfig,
  { virtualHosts: wanted }: HostConfig,
  changed: string[],
  needsRestart: string[],
): HostConfig['virtualHosts'] {
  if (!differ(running, wanted)) return running;
  if (running !== undefined && wanted !== undefined && running.defaultHost !== wanted.defaultHost) {
    needsRestart.push('defaultHost');
    if (differ(running.hosts, wanted.hosts)) needsRestart.push('hosts');
    if (differ(running.unknownHost, wanted.unknownHost)) needsRestart.push('unknownHost');
    return running;
  }
  if (differ(running?.hosts, wanted?.hosts)) changed.push('hosts');
  if (differ(running?.unknownHost ?? 'default', wanted?.unknownHost ?? 'default'))
    changed.push('unknownHost');
  return wanted;
}

function connectorOf(
  running: ConnectorConfig,
  wanted: ConnectorConfig,
  changed: string[],
  needsRestart: string[],
): ConnectorConfig {
  const at = (key: string): string => `connectors.${running.name}.${key}`;
  for (const key of ['host', 'port', 'socket', 'systemd', 'redirect'] as const)
    if (differ(running[key], wanted[key])) needsRestart.push(at(key));
  if (differ(bareTls(running.tls), bareTls(wanted.tls))) needsRestart.push(at('tls'));
  // Its default goes by whether there is TLS, which needs a restart.
  const http2 = (running.tls === undefined) === (wanted.tls === undefined) ? wanted.http2 : running.http2;
  if (differ(running.http2, http2)) changed.push(at('http2'));
  for (const key of ['limits', 'proxyProtocol'] as const)
    if (differ(running[key], wanted[key])) changed.push(at(key));
  if (differ(running.forwarding?.proxies, wanted.forwarding?.proxies)) changed.push(at('trustedProxies'));
  if (differ(running.forwarding?.fields, wanted.forwarding?.fields)) changed.push(at('forwardedHeaders'));
  const { http2: _http2, proxyProtocol: _proxyProtocol, forwarding: _forwarding, ...kept } = running;
  const { limits, proxyProtocol, forwarding } = wanted;
  const connector: ConnectorConfig = {
    ...kept,
    limits,
    ...(http2 !== undefined && { http2 }),
    ...(proxyProtocol !== undefined && { proxyProtocol }),
    ...(forwarding !== undefined && { forwarding }),
  };
  if (running.tls === undefined || wanted.tls === undefined) return connector;
  const { transportSecurity } = wanted.tls;
  if (running.tls.transportSecurity !== transportSecurity) changed.push(at('tls.hsts'));
  return { ...connector, tls: { ...running.tls, transportSecurity } };
}

/** Without what can change, and without the places in the file, which move with every line that is added. */
function bareTls(tls: TlsConfig | undefined): unknown {
  return tls && { ...withoutPlaces(tls), transportSecurity: undefined };
}

function withoutPlaces(value: object): object {
  return JSON.parse(
    JSON.stringify(value, (key, part: unknown) => (key === 'place' ? undefined : part)),
  ) as object;
}

function differ(one: unknown, other: unknown): boolean {
  return !isDeepStrictEqual(one, other);
}
