import { EVERY_HOST } from '../config/virtual-hosts.js';
import { Mapper } from './mapper.js';

/** What is mapped: a context path on a host; `''` is the default host, `*` every one. */
export interface Hosted {
  readonly path: string;
  readonly host: string;
}

/**
 * Immutable lookup from a host and a canonical path to the context that answers. On a host its own contexts and those
 * of every host count together: the longest path wins, and of two with one path the host's own. A changed one shares
 * with the one before it all hosts that have not changed.
 */
export class HostMapper<C extends Hosted> {
  readonly #hosts: ReadonlyMap<string, OneHost<C>>;
  readonly #everywhere: Mapper<C> | undefined;

  private constructor(hosts: ReadonlyMap<string, OneHost<C>>) {
    this.#hosts = hosts;
    this.#everywhere = hosts.get(EVERY_HOST)?.mapper;
  }

  /** One without any context. */
  static empty<C extends Hosted>(): HostMapper<C> {
    return new HostMapper<C>(new Map());
  }

  /** The mapper with these contexts gone and those in their places, which are pairs of host and path. */
  with(set: readonly C[], remove: readonly C[]): HostMapper<C> {
    const changed = new Map<string, Map<string, C>>();
    const contextsOn = (host: string): Map<string, C> => {
      let contexts = changed.get(host);
      if (contexts === undefined) {
        contexts = new Map(this.#hosts.get(host)?.contexts);
        changed.set(host, contexts);
      }
      return contexts;
    };
    for (const { host, path } of remove) contextsOn(host).delete(path);
    for (const context of set) contextsOn(context.host).set(context.path, context);
    const hosts = new Map(this.#hosts);
    for (const [host, contexts] of changed) {
      if (contexts.size === 0) hosts.delete(host);
      else hosts.set(host, { contexts, mapper: new Mapper(contexts.values()) });
    }
    return new HostMapper(hosts);
  }

  /** The context that answers on `host`, which is one that `HostNames` gave; undefined when none does. */
  find(host: string, path: string): C | undefined {
    const own = this.#hosts.get(host)?.mapper.find(path);
    if (this.#everywhere === undefined) return own;
    const shared = this.#everywhere.find(path);
    if (own === undefined || shared === undefined) return own ?? shared;
    return shared.path.length > own.path.length ? shared : own;
  }
}

/** The contexts of one host, by path, and the lookup made of them. */
interface OneHost<C extends Hosted> {
  readonly contexts: ReadonlyMap<string, C>;
  readonly mapper: Mapper<C>;
}
