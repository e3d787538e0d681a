import type { RequestHead } from '../exchange/exchange.js';

/**
 * Who asked whom, as far as the connection and the Host field tell. `request.local` is what the connector saw;
 * `request.origin` begins equal, and plugins that know better (a trusted proxy in front) change it. What the
 * application answers with, links above all, goes by the origin.
 */
export class ConnectionPoint {
  /** `http` or `https`; of `ws` and `wss` those they begin with. */
  scheme: string;
  /** Host as the client named it, without port, in lower case; `''` when it named none. IPv6 with brackets. */
  serverHost: string;
  /** Port as the client named it; the default of the scheme when it named none. */
  serverPort: number;
  /** Name or address of the client. */
  remoteHost: string;
  /** Address of the client. */
  remoteAddress: string;
  remotePort: number;
  /** Address and port the connection came in on; plugins leave them. */
  readonly localAddress: string;
  readonly localPort: number;

  constructor({ authority, connection }: RequestHead) {
    const { host, port } = splitAuthority(authority);
    this.scheme = connection.isSecure ? 'https' : 'http';
    this.serverHost = host;
    this.serverPort = port ?? defaultPort(this.scheme);
    this.remoteHost = connection.remoteAddress;
    this.remoteAddress = connection.remoteAddress;
    this.remotePort = connection.remotePort;
    this.localAddress = connection.localAddress;
    this.localPort = connection.localPort;
  }

  /** `https://shop.example`; the port only when it is not that of the scheme. */
  get url(): string {
    const port = this.serverPort === defaultPort(this.scheme) ? '' : `:${this.serverPort}`;
    return `${this.scheme}://${this.serverHost}${port}`;
  }
}

/** Port of a scheme when nothing is said: 443 for `https` and `wss`, else 80. */
export function defaultPort(scheme: string): number {
  return scheme === 'https' || scheme === 'wss' ? 443 : 80;
}

function splitAuthority(authority: string): { host: string; port: number | undefined } {
  // The colons inside the brackets of an IPv6 address are no port.
  const colon = authority.indexOf(':', authority.lastIndexOf(']') + 1);
  if (colon < 0) return { host: authority, port: undefined };
  const port = authority.slice(colon + 1);
  return { host: authority.slice(0, colon), port: port === '' ? undefined : Number(port) };
}
