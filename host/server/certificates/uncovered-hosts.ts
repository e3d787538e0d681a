import { ServerNames } from '../../tls/server-names.js';

/**
 * Names for which `host.yaml` has a certificate shown that does not hold them: every client refuses it there. `names`:
 * those that the certificate holds; `hosts`: those it is shown for. A pure function.
 */
export function uncoveredHosts(certificate: {
  readonly names: readonly string[];
  readonly hosts: readonly string[];
}): string[] {
  const held = new ServerNames<true>();
  for (const name of certificate.names) held.add(name, true);
  // A wildcard is held by the same wildcard only: `*.shop.example` is no name below itself.
  return certificate.hosts.filter(
    (host) => !certificate.names.includes(host) && (host.startsWith('*.') || held.find(host) === undefined),
  );
}

/** What to say of them; undefined when there are none. */
export function uncoveredText(certificate: {
  readonly place: string;
  readonly names: readonly string[];
  readonly hosts: readonly string[];
}): string | undefined {
  const hosts = uncoveredHosts(certificate);
  if (hosts.length === 0) return undefined;
  const held = certificate.names.slice(0, 20).join(', ') || 'no host';
  return `${certificate.place}: The certificate is shown for ${hosts.slice(0, 20).join(', ')}, and is for ${held}. Clients refuse it: get one that has these names, or correct "hosts".`;
}
