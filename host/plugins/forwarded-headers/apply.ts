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
  const node = nodeOf(text);
  if (node === undefined) return;
  origin.remoteHost = node.name;
  if (isIP(node.name) === 0) return;
  origin.remoteAddress = node.name;
  origin.remotePort = node.port ?? origin.remotePort;
}

/**
 * Name or address, and port, of a node (RFC 7239 §6): `10.0.0.1`, `10.0.0.1:80`, `[fd00::1]:80`, `_proxy`; an IPv6
 * address also without brackets. Undefined for what cannot be one.
 */
export function nodeOf(
  text: string,
): { readonly name: string; readonly port: number | undefined } | undefined {
  if (isIP(text) > 0) return { name: text, port: undefined };
  const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]+))(?::(\d{1,5}))?$/i.exec(text);
  const name = match?.[1] ?? match?.[2];
  return name === undefined ? undefined : { name, port: portOf(match?.[3]) };
}

function portOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port > 0 && port <= 65_535 ? port : undefined;
}
