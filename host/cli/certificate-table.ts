import type {
  AcmeView,
  CertificateView,
  ReloadView,
  RevocationListView,
} from '../admin/certificates-view.js';
import { forTerminal } from './for-terminal.js';

/** What `GET /v1/certificates` gives. */
export interface CertificateState {
  readonly certificates: readonly CertificateView[];
  readonly acme: readonly AcmeView[];
  readonly revocationLists?: readonly RevocationListView[];
  readonly reloads: readonly ReloadView[];
}

const DAY_MS = 86_400_000;

/** A line for each certificate, and for what is wrong; of one connector or of all. '' when there are none. */
export function certificateTable(
  { certificates, acme, revocationLists = [], reloads }: CertificateState,
  connector?: string,
): string {
  const isWanted = (one: { readonly connector: string }) =>
    connector === undefined || one.connector === connector;
  const lines = certificates.filter(isWanted).flatMap((one) => {
    const days = Math.floor((Date.parse(one.notAfter) - Date.now()) / DAY_MS);
    const end =
      one.validity === 'expired'
        ? 'EXPIRED'
        : one.validity === 'not-yet-valid'
          ? `NOT VALID BEFORE ${one.notBefore}`
          : `${days} days left`;
    const shown = one.hosts.slice(0, 3).join(', ') + (one.hosts.length > 3 ? ', …' : '');
    const more = `${one.keyType}, from ${one.issuer.replace(/^.*CN=/, '')}`;
    const line = `${one.connector}  ${forTerminal(shown || one.subject)}  ${one.notAfter.slice(0, 10)}  ${end}  ${forTerminal(more)}`;
    const { ocsp } = one;
    if (ocsp === undefined) return [line];
    const wrong = ocsp.lastError === undefined ? '' : `: ${forTerminal(ocsp.lastError)}`;
    return [`${line}  OCSP ${ocsp.state}${wrong}`];
  });
  for (const { connector: name, issuer, nextUpdate, validity } of revocationLists.filter(isWanted)) {
    const end = nextUpdate === undefined ? 'without end' : `until ${nextUpdate}`;
    const state = validity === 'valid' ? '' : '  NOT VALID: clients with certificates are refused';
    lines.push(`${name}  revocation list of ${forTerminal(issuer)}  ${end}${state}`);
  }
  for (const { connector: name, lastError } of reloads.filter(isWanted))
    if (lastError !== undefined)
      lines.push(`${name}: certificates in use were kept, because: ${forTerminal(lastError)}`);
  for (const { connector: name, lastError, nextAttemptAt } of acme.filter(isWanted))
    if (lastError !== undefined)
      lines.push(`${name}: ${forTerminal(lastError.message)} Next attempt: ${nextAttemptAt ?? 'now'}`);
  return lines.map((line) => `${line}\n`).join('');
}
