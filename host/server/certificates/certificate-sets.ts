import type { TlsConfig } from '../../config/tls-config.js';
import type { CertificateSet } from '../../tls/tls-settings.js';
import type { ReadCertificate } from './read-certificate.js';

/** Sets for the fronts, or what is wrong, each with its place. */
export interface SetsOrProblems {
  readonly sets: readonly CertificateSet[];
  readonly problems: readonly string[];
}

/**
 * Puts together the certificates that are shown for the same names: several for a name are of several types of keys. A
 * pure function.
 */
export function certificateSets(config: TlsConfig, certificates: readonly ReadCertificate[]): SetsOrProblems {
  const problems: string[] = [];
  const byName = new Map<string, ReadCertificate[]>();
  for (const certificate of certificates) {
    const { source, facts } = certificate;
    if (!hasSuiteFor(config, facts.keyType))
      problems.push(
        `${source.place}: None of the cipher suites of TLSv1.2 goes with a key of the type ${facts.keyType}; every handshake would fail. ` +
          `Add one with ${facts.keyType === 'rsa' ? 'RSA' : 'ECDSA'} to "ciphers", or TLSv1.3 to "protocols".`,
      );
    const names = source.hosts ?? facts.names;
    if (names.length === 0 && certificates.length > 1)
      problems.push(`${source.place}: The certificate names no host. Say with "hosts" for which it is.`);
    for (const name of new Set(names)) {
      const others = byName.get(name) ?? [];
      const twin = others.find((other) => other.facts.keyType === facts.keyType);
      if (twin === undefined) byName.set(name, [...others, certificate]);
      else
        problems.push(
          `${source.place}: ${name} is served already by ${twin.source.place}, with a key of the same type (${facts.keyType}). ` +
            'Say with "hosts" which certificate is for which name.',
        );
    }
  }
  const { defaultHost, place } = config;
  if (defaultHost !== undefined && !byName.has(defaultHost))
    problems.push(
      `${place}.default: No certificate is for ${defaultHost}; there are ${[...byName.keys()].slice(0, 20).join(', ')}.`,
    );
  return { sets: problems.length > 0 ? [] : grouped(byName, certificates, defaultHost), problems };
}

/** Suites of TLS 1.3 go with every key; those before name the type of key, if it is not RSA. */
function hasSuiteFor({ maxVersion, ciphers }: TlsConfig, keyType: string): boolean {
  if (maxVersion !== 'TLSv1.2') return true;
  const suites = ciphers.split(':').filter((suite) => !suite.startsWith('TLS_'));
  return suites.some((suite) => suite.includes('ECDSA') === !keyType.startsWith('rsa'));
}

function grouped(
  byName: ReadonlyMap<string, readonly ReadCertificate[]>,
  certificates: readonly ReadCertificate[],
  defaultHost: string | undefined,
): CertificateSet[] {
  const groups = new Map<string, { hosts: string[]; members: readonly ReadCertificate[] }>();
  for (const [name, members] of byName) {
    const key = members.map((member) => certificates.indexOf(member)).join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { hosts: [name], members });
    else group.hosts.push(name);
  }
  // A certificate without any name, such as one for an address alone, is still good as the default.
  if (groups.size === 0) groups.set('', { hosts: [], members: certificates });
  const all = [...groups.values()];
  const standard =
    all.find(({ hosts }) => defaultHost !== undefined && hosts.includes(defaultHost)) ??
    all.find(({ members }) => members[0] === certificates[0]);
  return all.map((group) => ({
    hosts: group.hosts,
    isDefault: group === standard,
    pairs: group.members.map(({ pair }) => pair),
  }));
}
