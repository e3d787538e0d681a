import { isIP } from 'node:net';
import { type ConnectionPoint, defaultPort } from '../../application/connection-point.js';

/** What one proxy has written about the request it got. */
export interface Forwarded {
  readonly scheme?: string | undefined;
  /** A flag instead of a scheme: `on`. */
  readonly isHttps?: string | undefined;
  /** Host with or without port. */
  readonly host?: string | undefined;
  readonly port?: string | undefined;
  /** Who asked: a name or an address, with or without port. */
  readonly client?: string | undefined;
}

const SCHEMES = new Set(['http', 'https', 'ws', 'wss']);
const FLAGS = new Set(['yes', 'true', 'on', '1']);

/** Changes the origin by what is said. Values that cannot be what they should be are left out. */
export function apply(origin: ConnectionPoint, said: Forwarded): void {
  const scheme = said.scheme?.toLowerCase();
  if (scheme !== undefined && SCHEMES.has(scheme)) setScheme(origin, scheme);
  if (said.isHttps !== undefined && FLAGS.has(said.isHttps.toLowerCase())) setScheme(origin, 'https');
  if (said.host !== undefined) setHost(origin, said.host);
  const port = portOf(said.port);
  if (port !== undefined) origin.serverPort = port;
  if (said.client !== undefined) setClient(origin, said.client);
}

function setScheme(origin: ConnectionPoint, scheme: string): void {
  origin.scheme = scheme;
  origin.serverPort = defaultPort(scheme);
}

function setHost(origin: ConnectionPoint, text: string): void {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9_~.-]+)(?::(\d{1,5}))?$/i.exec(text);
  if (match?.[1] === undefined) return;
  origin.serverHost = match[1].toLowerCase();
  origin.serverPort = portOf(match[2]) ?? defaultPort(origin.scheme);
}

function setClient(origin: ConnectionPoint, text: string): void {
  const match = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+|[a-z0-9_.-]+))(?::(\d{1,5}))?$/i.exec(text);
  const client = isIP(text) > 0 ? text : (match?.[1] ?? match?.[2]);
  if (client === undefined) return;
  origin.remoteHost = client;
  if (isIP(client) === 0) return;
  origin.remoteAddress = client;
  origin.remotePort = (isIP(text) > 0 ? undefined : portOf(match?.[3])) ?? origin.remotePort;
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port > 0 && port <= 65_535 ? port : undefined;
}
