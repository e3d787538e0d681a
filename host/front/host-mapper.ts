import { EVERY_HOST } from '../config/virtual-hosts.js';
import { Mapper } from './mapper.js';

/** What is mapped: a context path on a host; `''` is the default host, `*` every one. */
export interface Hosted {
  readonly path: string;
  readonly host: string;
}

/**
 * Immutable lookup from a host and a canonical path to the context that answers. On a host its own contexts and those
 * of every host count together: the longest path wins, and of two with one path the host's own.
 */
export class HostMapper<C extends Hosted> {
  readonly #hosts = new Map<string, Mapper<C>>();
  readonly #everywhere: Mapper<C> | undefined;

  /** `contexts` have distinct pairs of host and path. */
  constructor(contexts: Iterable<C>) {
    const byHost = new Map<string, C[]>();
    for (const context of contexts) {
      const some = byHost.get(context.host);
      if (some === undefined) byHost.set(context.host, [context]);
      else some.push(context);
    }
    for (const [host, some] of byHost) this.#hosts.set(host, new Mapper(some));
    this.#everywhere = this.#hosts.get(EVERY_HOST);
  }

  /** The context that answers on `host`, which is one that `HostNames` gave; undefined when none does. */
  find(host: string, path: string): C | undefined {
    const own = this.#hosts.get(host)?.find(path);
    if (this.#everywhere === undefined) return own;
    const shared = this.#everywhere.find(path);
    if (own === undefined || shared === undefined) return own ?? shared;
    return shared.path.length > own.path.length ? shared : own;
  }
}
