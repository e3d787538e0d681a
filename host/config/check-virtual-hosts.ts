import { isInternalHost } from '../http/internal-name.js';
import { type ConfigProblem, suggest } from './config-error.js';
import type { HostSection } from './host-schema.js';
import type { VirtualHosts } from './virtual-hosts.js';
import type { ConfigDocument } from './yaml-document.js';

/** The keys of `host.yaml` that say which virtual hosts there are. */
type VirtualHostKeys = Pick<HostSection, 'hosts' | 'defaultHost' | 'unknownHost'>;

/** The virtual hosts of a checked file; undefined when it has none. */
export function virtualHostsOf({
  hosts,
  defaultHost,
  unknownHost,
}: VirtualHostKeys): VirtualHosts | undefined {
  if (hosts === undefined || hosts.length === 0) return undefined;
  // Whether one is closed is not told by who it is.
  return { hosts: hosts.map(({ name, aliases }) => ({ name, aliases })), defaultHost, unknownHost };
}

/** What no single value shows: a name that leads to two hosts, a default that is none, applications without a host. */
export function virtualHostProblems(
  { hosts = [], defaultHost, unknownHost }: VirtualHostKeys,
  document: ConfigDocument,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const owners = new Map<string, number>();
  hosts.forEach(({ name, aliases }, index) => {
    const claims = [name, ...aliases].map((text, place) => ({
      text,
      path: ['hosts', index, ...(place === 0 ? ['name'] : ['aliases', place - 1])],
    }));
    for (const { text, path } of claims) {
      if (isInternalHost(text.replace('*.', ''))) {
        const why = 'by these names applications call each other, and clients get 421';
        problems.push(document.problem(path, `${text} cannot be a host: ${why}`));
      }
      const owner = owners.get(text);
      if (owner === undefined) owners.set(text, index);
      else {
        const whose = owner === index ? 'this host has it already' : `the host ${hosts[owner]?.name} has it`;
        problems.push(document.problem(path, `${text} is there twice: ${whose}; a name leads to one host`));
      }
    }
  });
  if (defaultHost !== undefined && !hosts.some(({ name }) => name === defaultHost)) {
    const known = hosts.map(({ name }) => name);
    const what = known.length === 0 ? 'there are no "hosts"' : 'no entry of "hosts" has this name';
    const suggestion = suggest(defaultHost, known);
    problems.push(document.problem(['defaultHost'], `${defaultHost} is not a host: ${what}`, { suggestion }));
  }
  if (unknownHost !== 'default' && defaultHost === undefined) {
    problems.push(
      document.problem(
        ['unknownHost'],
        `${unknownHost} leaves the applications that name no host without any: name one of "hosts" as defaultHost`,
      ),
    );
  }
  return problems;
}
