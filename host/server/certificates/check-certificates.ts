import type { ConnectorConfig } from '../../config/host-config.js';
import { PorticoError } from '../../errors.js';
import { validityOf } from '../../tls/certificate-facts.js';
import { type CertificateStatus, ConnectorCertificates } from './connector-certificates.js';
import { uncoveredText } from './uncovered-hosts.js';

/** What was found of the certificates of one connector. */
export interface CheckedCertificates {
  readonly connector: string;
  /** Names that certificates are shown for. */
  readonly hosts: readonly string[];
  /** What keeps the host from starting, with its place. */
  readonly problems: readonly string[];
  /** What a start does not wait for, and clients refuse all the same. */
  readonly notes: readonly string[];
}

/**
 * Reads the files that `tls` of the connectors names as a start does, and keeps nothing of them. No authority is asked for
 * certificates that come by themselves.
 */
export async function checkCertificates(
  connectors: readonly ConnectorConfig[],
): Promise<CheckedCertificates[]> {
  const checked: CheckedCertificates[] = [];
  for (const { name: connector, tls } of connectors) {
    if (tls === undefined) continue;
    // The default may be a name of the certificate that comes later.
    const config = tls.acme === undefined ? tls : { ...tls, defaultHost: undefined };
    try {
      const certificates = (await ConnectorCertificates.load(connector, config)).status();
      const notes = certificates.flatMap((certificate) =>
        [untimelyText(certificate), uncoveredText(certificate)].filter((note) => note !== undefined),
      );
      const hosts = [...new Set(certificates.flatMap((certificate) => certificate.hosts))];
      checked.push({ connector, hosts, problems: [], notes });
    } catch (error) {
      if (!(error instanceof PorticoError)) throw error;
      checked.push({ connector, hosts: [], problems: error.message.split('\n'), notes: [] });
    }
  }
  return checked;
}

/** What to say of a certificate whose time is not now; undefined when it is. */
function untimelyText(certificate: CertificateStatus): string | undefined {
  const { place, notBefore, notAfter } = certificate;
  switch (validityOf(certificate, new Date())) {
    case 'valid':
      return undefined;
    case 'expired':
      return `${place}: The certificate has expired on ${notAfter.toISOString()}. Clients refuse it.`;
    case 'not-yet-valid':
      return `${place}: The certificate is valid from ${notBefore.toISOString()} on only. Clients refuse it.`;
  }
}
