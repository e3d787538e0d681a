import { checkWildcard, invalidHost, normalizeOrigin } from './origin.js';

/** Options of a host. */
export interface AllowedHostOptions {
  /** Default `http` and `https`. */
  readonly schemes?: readonly string[];
  /** Hosts below this one: `api` for `api.shop.example`. */
  readonly subDomains?: readonly string[];
}

/** Which origins may ask. */
export class AllowedOrigins {
  /** Every origin may. */
  isAny = false;
  readonly #exact = new Set<string>();
  /** `https://` and `.shop.example:443` of `*.shop.example`. */
  readonly #wildcards: { readonly scheme: string; readonly domain: string }[] = [];
  readonly #predicates: ((origin: string) => boolean)[] = [];

  addHost(host: string, { schemes = ['http', 'https'], subDomains = [] }: AllowedHostOptions): void {
    if (host === '*') {
      this.isAny = true;
      return;
    }
    if (host.includes('://')) throw invalidHost(host, 'write it without a scheme and use the option schemes');
    checkWildcard(host);
    for (const subDomain of subDomains) checkWildcard(subDomain);
    for (const one of [host, ...subDomains.map((subDomain) => `${subDomain}.${host}`)])
      for (const scheme of schemes) this.#add(scheme, one);
  }

  addPredicate(isAllowed: (origin: string) => boolean): void {
    this.#predicates.push(isAllowed);
  }

  includes(origin: string): boolean {
    if (this.isAny) return true;
    const normalized = normalizeOrigin(origin);
    return (
      this.#exact.has(normalized) ||
      this.#wildcards.some(
        ({ scheme, domain }) =>
          normalized.startsWith(scheme) &&
          normalized.endsWith(domain) &&
          // The domain is that of the host, not the end of a path.
          normalized.indexOf('/', scheme.length) < 0,
      ) ||
      this.#predicates.some((isAllowed) => isAllowed(origin))
    );
  }

  #add(scheme: string, host: string): void {
    const normalized = normalizeOrigin(`${scheme}://${host}`);
    if (!host.startsWith('*')) this.#exact.add(normalized);
    else {
      const [before, domain] = normalized.split('*');
      this.#wildcards.push({ scheme: before ?? '', domain: domain ?? '' });
    }
  }
}
