import type { VirtualHosts } from '../config/virtual-hosts.js';
import { hostOfAuthority } from '../http/host-name.js';

/**
 * Immutable lookup from the host a client names to the virtual host that answers: the exact name or alias, else the
 * longest `*.suffix`, else what `unknownHost` says. A `*` stands for one label or more: `*.shop.example` has
 * `a.shop.example` and `b.a.shop.example`, and not `shop.example`.
 *
 * The cost depends on how many labels the longest suffix has, never on how many hosts there are or on how long the name
 * is that a client sends.
 */
export class HostNames {
  readonly #exact = new Map<string, string>();
  readonly #suffixes = new Map<string, string>();
  /** Labels of the longest suffix. */
  readonly #depth: number = 0;
  readonly #otherwise: string | undefined;

  constructor({ hosts, defaultHost, unknownHost }: VirtualHosts) {
    for (const { name, aliases } of hosts) {
      const host = name === defaultHost ? DEFAULT_HOST : name;
      for (const text of [name, ...aliases]) {
        if (!text.startsWith('*.')) {
          this.#exact.set(text, host);
          continue;
        }
        const suffix = text.slice(2);
        this.#suffixes.set(suffix, host);
        this.#depth = Math.max(this.#depth, suffix.split('.').length);
      }
    }
    this.#otherwise = unknownHost === 'default' ? DEFAULT_HOST : undefined;
  }

  /**
   * The host for `RequestHead.authority`: `''` is the default host, also for a request without `Host`. Undefined: no
   * host has this name, and the default host does not answer for it.
   */
  find(authority: string): string | undefined {
    if (authority === '') return DEFAULT_HOST;
    const name = hostOfAuthority(authority);
    return this.#exact.get(name) ?? (this.#depth === 0 ? this.#otherwise : this.#below(name));
  }

  /** Suffixes from the shortest to the longest: the last that is known wins. */
  #below(name: string): string | undefined {
    let found = this.#otherwise;
    let border = name.length;
    for (let labels = 0; labels < this.#depth; labels++) {
      border = name.lastIndexOf('.', border - 1);
      if (border <= 0) break;
      found = this.#suffixes.get(name.slice(border + 1)) ?? found;
    }
    return found;
  }
}

/** `ContextRoute.host` of contexts on the default host. */
export const DEFAULT_HOST = '';
