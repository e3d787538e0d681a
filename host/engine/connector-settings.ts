import type { TlsOptions } from 'node:tls';
import { PorticoError } from '../errors.js';
import type { EngineConnector } from './application-engine.js';
import { checkHost, checkPort } from './check-settings.js';

/** One address on which an engine of its own accepts connections; a `ConnectorAddress` of an environment is one. */
export interface ConnectorSettings {
  /** Default: what `tls` makes it. `https` needs `tls` (`PORTICO_TLS_MISSING`). */
  readonly scheme?: 'http' | 'https' | undefined;
  /** Default `0.0.0.0`. */
  readonly host?: string | undefined;
  /** Default 80, 443 with `tls`; 0 picks a free one, see `resolvedConnectors`. */
  readonly port?: number | undefined;
  /** Makes it https: what `node:tls` takes, such as `key` and `cert`, or `pfx` and `passphrase`. */
  readonly tls?: TlsOptions | undefined;
}

/** `ConnectorSettings` with all defaults filled in. */
export interface CompleteConnector {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsOptions | undefined;
}

/** Fills in the defaults. Throws `PORTICO_TLS_MISSING`, `PORTICO_ENGINE_SETTING`. */
export function completeConnector({ scheme, host, port, tls }: ConnectorSettings): CompleteConnector {
  if (scheme === 'https' && tls === undefined)
    throw new PorticoError(
      'PORTICO_TLS_MISSING',
      `The connector ${host ?? '0.0.0.0'}:${port ?? 443} is to be https and has no certificate. Give it "tls" with key and cert, or make it http.`,
    );
  const settled = port ?? (tls === undefined ? 80 : 443);
  checkPort(settled);
  const name = host ?? '0.0.0.0';
  checkHost(name);
  return { host: name, port: settled, tls };
}

/** `http://127.0.0.1:8080`, with brackets around IPv6 addresses. */
export function connectorUrl({ scheme, host, port }: EngineConnector): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
