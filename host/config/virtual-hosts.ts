import { isIP } from 'node:net';
import { readHostName } from '../http/host-name.js';
import { suggest } from './config-error.js';

/** The virtual hosts of a host: `hosts`, `defaultHost` and `unknownHost` of `host.yaml`. Plain data; fronts get it too. */
export interface VirtualHosts {
  /** At least one; names and aliases are distinct over all of them. */
  readonly hosts: readonly VirtualHost[];
  /** Name of the host that has the applications that name none; undefined: one without a name has them. */
  readonly defaultHost: string | undefined;
  readonly unknownHost: UnknownHostPolicy;
}

/** A host name with aliases that owns contexts. Names as `readHostName` gives them. */
export interface VirtualHost {
  readonly name: string;
  /** Further names, and `*.shop.example` for every name below `shop.example`. */
  readonly aliases: readonly string[];
}

/**
 * What a request for a name gets that no host has. `default`: the default host answers. 404, 421 (RFC 9110 §15.5.20):
 * this status. `close`: the connection is closed without an answer. A request without `Host` is for the default host.
 */
export type UnknownHostPolicy = 'default' | 404 | 421 | 'close';

/** What is known of virtual hosts: those of `host.yaml`, none, or `set-aside`: every application is on the default host. */
export type KnownHosts = VirtualHosts | 'set-aside' | undefined;

/** `servlet.host: '*'`: the application is mounted on every host. */
export const EVERY_HOST = '*';

/**
 * Which host an application is on that asks for `asked` in its descriptor: `''` for the default host, `*` for every one.
 * A name that is no host is given back all the same, so that the place the application asks for stays its own.
 */
export function hostAskedFor(
  hosts: KnownHosts,
  asked: string | undefined,
): { readonly host: string; readonly problem: string | undefined } {
  if (asked === undefined || hosts === 'set-aside') return { host: '', problem: undefined };
  if (asked === EVERY_HOST) return { host: hosts === undefined ? '' : EVERY_HOST, problem: undefined };
  const read = readHostName(asked);
  // Escaped, so that no slash in it makes it the place of somebody else.
  const host = read.ok ? read.name : encodeURIComponent(asked.toLowerCase());
  const known = hosts?.hosts.find(({ name }) => name === host);
  if (known !== undefined) return { host: host === hosts?.defaultHost ? '' : host, problem: undefined };
  return { host, problem: problemOf(hosts, asked, host) };
}

function problemOf(hosts: VirtualHosts | undefined, asked: string, host: string): string {
  const what = `there is no virtual host ${JSON.stringify(asked)}`;
  if (hosts === undefined)
    return `${what}: host.yaml has no hosts; add it there below "hosts", or remove this`;
  const byAlias = hosts.hosts.find(({ aliases }) => aliases.includes(host));
  if (byAlias !== undefined) return `${what}: it is an alias of ${byAlias.name}; write that name`;
  const names = hosts.hosts.map(({ name }) => name);
  const near = suggest(host, names);
  if (near !== undefined)
    return `${what} (did you mean ${near}?): add it to "hosts" of host.yaml, or correct it`;
  const shown = names.length > MAX_SHOWN ? `${names.slice(0, MAX_SHOWN).join(', ')}, …` : names.join(', ');
  return `${what}: add it to "hosts" of host.yaml, which has ${shown}, or correct it`;
}

const MAX_SHOWN = 10;

/**
 * The same hosts for a developer: `shop.example` is found under `shop.example.localhost` too, which browsers take for this
 * computer, and every other name is for the default host.
 */
export function withLocalNames({ hosts, defaultHost }: VirtualHosts): VirtualHosts {
  const local = hosts.map(({ name, aliases }) => {
    const alias = `${name}.localhost`;
    return { name, aliases: isIP(name) !== 0 || aliases.includes(alias) ? aliases : [...aliases, alias] };
  });
  return { hosts: local, defaultHost, unknownHost: 'default' };
}
