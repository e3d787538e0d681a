import { authorityText, isAuthority } from '../../http/authority.js';

/** What proxies say about the host that was asked for. */
interface SaidHost {
  readonly host?: string | undefined;
  readonly port?: string | undefined;
}

/**
 * Host and port that the client has used: the host that is said, or that of the request; the port that is said, unless the
 * host that is said has one. The port of the scheme is left out. What is no host or no port counts as not said.
 */
export function effectiveAuthority(authority: string, said: SaidHost, isSecure: boolean): string {
  const host = said.host === undefined ? undefined : hostOf(said.host);
  if (said.port === undefined || !isPort(said.port)) return host ?? authority;
  const base = host ?? authority;
  if (base === '' || (host !== undefined && portAt(host) >= 0)) return base;
  const at = portAt(base);
  const bare = at < 0 ? base : base.slice(0, at);
  return Number(said.port) === (isSecure ? 443 : 80) ? bare : `${bare}:${Number(said.port)}`;
}

function hostOf(text: string): string | undefined {
  const bytes = Buffer.from(text, 'latin1');
  return isAuthority(bytes, 0, bytes.length) ? authorityText(bytes, 0, bytes.length) : undefined;
}

function isPort(text: string): boolean {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535;
}

/** Place of the colon in front of the port, or -1; the colons within the brackets of IPv6 are none. */
function portAt(authority: string): number {
  return authority.indexOf(':', authority.lastIndexOf(']') + 1);
}
