import { PorticoError } from '../../errors.js';

/** Where a request of a test goes, in parts. */
export interface TestTarget {
  readonly scheme: 'http' | 'https';
  /** Lower case, without port: `localhost`, `[::1]`. */
  readonly host: string;
  readonly port: number;
  /** Host, and port unless it is the scheme's own. */
  readonly authority: string;
  /** Path and query, exactly as written. */
  readonly path: string;
}

/**
 * `/items?q=1` goes to `base`; `https://api.example/items` where it says. `ws:` and `wss:` stand for `http:` and
 * `https:`. The path is kept as it is, also where a URL would be rewritten. Anything else: `PORTICO_TEST_TARGET`.
 */
export function parseTarget(target: string, base: TestTarget = LOCALHOST): TestTarget {
  if (target.startsWith('/') || target === '*') return { ...base, path: target };
  const match = /^(http|https|ws|wss):\/\/([^/?#@]+?)(?::(\d{1,5}))?([/?][^#]*)?(?:#.*)?$/i.exec(target);
  if (match === null)
    throw new PorticoError(
      'PORTICO_TEST_TARGET',
      `${JSON.stringify(target)} cannot be requested. Give a path that begins with /, or a whole http or https URL.`,
    );
  const scheme = /^(https|wss)$/i.test(match[1] ?? '') ? 'https' : 'http';
  const host = (match[2] ?? '').toLowerCase();
  const own = scheme === 'https' ? 443 : 80;
  const port = match[3] === undefined ? own : Number(match[3]);
  const path = match[4] ?? '/';
  return {
    scheme,
    host,
    port,
    authority: port === own ? host : `${host}:${port}`,
    path: path.startsWith('/') ? path : `/${path}`,
  };
}

/** The whole URL. */
export function urlOf({ scheme, authority, path }: TestTarget): string {
  return `${scheme}://${authority}${path}`;
}

/** What makes two targets the same server: `https://api.example:443`. */
export function originOf({ scheme, host, port }: Omit<TestTarget, 'authority' | 'path'>): string {
  return `${scheme}://${host}:${port}`;
}

const LOCALHOST: TestTarget = {
  scheme: 'http',
  host: 'localhost',
  port: 80,
  authority: 'localhost',
  path: '/',
};
