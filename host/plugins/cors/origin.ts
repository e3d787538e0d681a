import { PorticoError } from '../../errors.js';

/** `null`, or scheme, host and optional port as a browser writes them; a path is let pass. */
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/(?:\[[0-9a-f:.]+\]|[^/?#%:[\]\s]+)(?::\d+)?(?:\/[^?#]*)?$/i;
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' };

/** Is this an origin (RFC 6454 §7)? */
export function isValidOrigin(origin: string): boolean {
  return origin === 'null' || ORIGIN.test(origin);
}

/** The origin in lower case, without a final slash and with the port of its scheme: `http://a` is `http://a:80`. */
export function normalizeOrigin(origin: string): string {
  if (origin === 'null' || origin === '*') return origin;
  const text = (origin.endsWith('/') ? origin.slice(0, -1) : origin).toLowerCase();
  const scheme = text.slice(0, text.indexOf(':'));
  const port = DEFAULT_PORTS[scheme];
  return port === undefined || /:\d+$/.test(text) ? text : `${text}:${port}`;
}

/** Refuses a `*` anywhere but in front, and a second one: `PORTICO_CORS_HOST`. */
export function checkWildcard(host: string): void {
  if (!host.includes('*')) return;
  if (!host.startsWith('*.') || host.endsWith('*.'))
    throw invalidHost(host, 'the wildcard must appear in front of the domain, e.g. *.domain.com');
  if (host.indexOf('*', 1) >= 0) throw invalidHost(host, 'the wildcard cannot appear more than once');
}

export function invalidHost(host: string, reason: string): PorticoError {
  return new PorticoError(
    'PORTICO_CORS_HOST',
    `The host ${JSON.stringify(host)} of CORS is not valid: ${reason}.`,
  );
}
