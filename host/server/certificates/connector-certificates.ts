import type { TlsConfig } from '../../config/tls-config.js';
import { messageOf, PorticoError } from '../../errors.js';
import { type CertificateFacts, validityOf } from '../../tls/certificate-facts.js';
import { readPemCertificates } from '../../tls/pem.js';
import type { RevocationList } from '../../tls/revocation-list.js';
import type {
  CertificateSet,
  CertificateUpdate,
  ChallengeCertificate,
  TlsSettings,
} from '../../tls/tls-settings.js';
import { certificateSets } from './certificate-sets.js';
import { type ClientTrust, readClientTrust } from './client-trust.js';
import { signatureOf } from './file-signature.js';
import type { StapledCertificate } from './ocsp/ocsp-stapling.js';
import { filesOf, type ReadCertificate, readCertificate } from './read-certificate.js';

/** A certificate in use, for the admin API and metrics. */
export interface CertificateStatus extends CertificateFacts {
  readonly connector: string;
  /** Where it stands in `host.yaml`. */
  readonly place: string;
  readonly files: readonly string[];
  /** Names it is shown for. */
  readonly hosts: readonly string[];
}

/**
 * The certificates of one connector: reads them, notices when their files change, and keeps those it has when the new ones
 * cannot be used. Owned by `TlsConnectors`.
 */
export class ConnectorCertificates {
  readonly connector: string;
  readonly config: TlsConfig;
  #certificates: readonly ReadCertificate[];
  #clients: ClientTrust;
  #update: CertificateUpdate;
  /** What the files looked like when they were read, and when they were last looked at. */
  #readSignature: string;
  #seenSignature: string;
  /** When a certificate that was left aside because its time has not come can be used; undefined: there is none. */
  #dueAt: Date | undefined;

  private constructor(connector: string, config: TlsConfig, contents: Contents) {
    this.connector = connector;
    this.config = config;
    this.#certificates = contents.certificates;
    this.#clients = contents.clients;
    this.#update = { certificates: contents.sets, ...updateOf(contents.clients) };
    this.#readSignature = this.#seenSignature = contents.signature;
  }

  /**
   * Rejects with `PORTICO_CERTIFICATES_UNUSABLE`, which names every file that cannot be used. A certificate whose time is not
   * now is taken: one that has ended must not keep the rest of the host from starting.
   */
  static async load(connector: string, config: TlsConfig): Promise<ConnectorCertificates> {
    const contents = await read(config);
    if (contents.problems.length > 0) throw unusable(contents.problems);
    return new ConnectorCertificates(connector, config, contents);
  }

  /** What a front is told when it begins to listen. */
  settings(ticketKeys: readonly string[]): TlsSettings {
    const { minVersion, maxVersion, ciphers, clientCertificate, strictSni } = this.config;
    const { handshakeTimeoutMs, sessionLifetimeMs } = this.config;
    return {
      ...this.#update,
      minVersion,
      maxVersion,
      ciphers,
      clientCertificate,
      trust: this.#clients.trust,
      strictSni,
      handshakeTimeoutMs,
      sessionLifetimeMs,
      ticketKeys: sessionLifetimeMs === 0 ? [] : ticketKeys,
    };
  }

  /** What a front is told when they have changed. */
  get update(): CertificateUpdate {
    return this.#update;
  }

  /** Shown to validators of a certification authority from the next update on; none: no longer. */
  challenge(challenges: readonly ChallengeCertificate[]): void {
    const { challenges: _, ...rest } = this.#update;
    this.#update = { ...rest, ...(challenges.length > 0 && { challenges }) };
  }

  /**
   * Reads all files anew, or only those that have changed. Rejects with `PORTICO_CERTIFICATES_UNUSABLE`; then what it
   * names stays as it was. The others are new all the same: a certificate that is renewed by itself must not end
   * because another one is broken.
   */
  async reload({ onlyChanged = false } = {}): Promise<void> {
    const known = { certificates: this.#certificates, clients: this.#clients };
    const { certificates, clients, sets, signature, problems, dueAt } = await read(
      this.config,
      known,
      onlyChanged,
    );
    this.#readSignature = this.#seenSignature = signature;
    this.#dueAt = dueAt;
    const isNew = certificates.some((one) => !this.#certificates.includes(one));
    if (isNew || textOf(clients) !== textOf(this.#clients)) {
      this.#certificates = certificates;
      this.#clients = clients;
      this.#update = { ...this.#update, certificates: sets, ...updateOf(clients) };
    }
    if (problems.length > 0) throw unusable(problems);
  }

  /**
   * True once for each change of a file, when it has not changed any more since the last call: who replaces two files does
   * not do it at once. True as well when the time of a certificate that was read too early has come.
   */
  async hasChanged(): Promise<boolean> {
    const signature = await signatureOf(this.files);
    const isStable = signature === this.#seenSignature;
    this.#seenSignature = signature;
    if (!isStable) return false;
    if (this.#dueAt !== undefined && this.#dueAt.getTime() <= Date.now()) {
      this.#dueAt = undefined;
      return true;
    }
    if (signature === this.#readSignature) return false;
    // Files that turn out broken are looked at again when they have changed again.
    this.#readSignature = signature;
    return true;
  }

  /** Every file that is read. */
  get files(): readonly string[] {
    return filesIn(this.config);
  }

  status(): CertificateStatus[] {
    return this.#certificates.map(({ source, facts }) => ({
      ...facts,
      connector: this.connector,
      place: source.place,
      files: filesOf(source),
      hosts: source.hosts ?? facts.names,
    }));
  }

  /** Certificates to be stapled; none when the connector does not. */
  get stapled(): StapledCertificate[] {
    const { ocspStapling, ocspResponder } = this.config;
    if (!ocspStapling) return [];
    const several = this.#update.certificates.filter(({ pairs }) => pairs.length > 1);
    const ambiguous = new Set(several.flatMap(({ pairs }) => pairs.map(({ cert }) => cert)));
    return this.#certificates.map(({ source, facts, pair }) => ({
      connector: this.connector,
      place: source.place,
      hosts: source.hosts ?? facts.names,
      fingerprint256: facts.fingerprint256,
      chain: readPemCertificates(pair.cert, source.place),
      responder: ocspResponder,
      isOneOfSeveral: ambiguous.has(pair.cert),
    }));
  }

  /** The revocation lists in use. */
  get revocationLists(): readonly RevocationList[] {
    return this.#clients.lists;
  }
}

interface Contents {
  readonly certificates: readonly ReadCertificate[];
  readonly clients: ClientTrust;
  readonly sets: readonly CertificateSet[];
  readonly signature: string;
  /** What could not be read. Known certificates stand in its place. */
  readonly problems: readonly string[];
  /** When to read again a certificate whose time has not come; undefined when there is none. */
  readonly dueAt: Date | undefined;
}

/** Throws when what was read does not go together. `known`: what is in use. */
async function read(
  config: TlsConfig,
  known?: Pick<Contents, 'certificates' | 'clients'>,
  onlyChanged = false,
): Promise<Contents> {
  // Before reading: what changes meanwhile is seen as a change later.
  const signature = await signatureOf(filesIn(config));
  const problems: string[] = [];
  const attempt = async <T>(place: string, what: Promise<T>): Promise<T | undefined> => {
    try {
      return await what;
    } catch (error) {
      problems.push(`${place}: ${messageOf(error)}`);
      return undefined;
    }
  };
  const certificates: ReadCertificate[] = [];
  const early: number[] = [];
  const now = new Date();
  for (const source of config.certificates) {
    const old = known?.certificates.find((other) => other.source === source);
    if (onlyChanged && old !== undefined && old.signature === (await signatureOf(filesOf(source)))) {
      certificates.push(old);
      continue;
    }
    const one = await attempt(source.place, readCertificate(source, config.ciphers));
    const isKept = one !== undefined && old !== undefined && isWorse(one, old, now);
    if (isKept) problems.push(`${source.place}: ${reasonToKeep(one, old, now)}`);
    if (isKept && one.facts.notBefore > now) early.push(one.facts.notBefore.getTime());
    const used = isKept ? old : (one ?? old);
    if (used !== undefined) certificates.push(used);
  }
  const clients = await readClientTrust(config, known?.clients, now);
  problems.push(...clients.problems);
  if (clients.dueAt !== undefined) early.push(clients.dueAt.getTime());
  const dueAt = early.length === 0 ? undefined : new Date(Math.min(...early));
  const isComplete = certificates.length === config.certificates.length;
  const grouped = isComplete ? certificateSets(config, certificates) : { sets: [], problems: [] };
  if (grouped.problems.length > 0) throw unusable([...problems, ...grouped.problems]);
  return { certificates, clients, sets: grouped.sets, signature, problems, dueAt };
}

function updateOf({ trust, lists }: ClientTrust): Pick<CertificateUpdate, 'trust' | 'revocationLists'> {
  return { trust, ...(lists.length > 0 && { revocationLists: lists.map(({ pem }) => pem) }) };
}

function textOf({ trust, lists }: ClientTrust): string {
  return [...trust, ...lists.map(({ pem }) => pem)].join();
}

/** What clients refuse does not take the place of what they accept. */
function isWorse(next: ReadCertificate, old: ReadCertificate, now: Date): boolean {
  return validityOf(next.facts, now) !== 'valid' && validityOf(old.facts, now) === 'valid';
}

function reasonToKeep({ source, facts }: ReadCertificate, old: ReadCertificate, now: Date): string {
  const [file = ''] = filesOf(source);
  const kept = `The one in use, which ends on ${old.facts.notAfter.toISOString()}, stays`;
  return validityOf(facts, now) === 'expired'
    ? `The certificate in ${file} has expired on ${facts.notAfter.toISOString()}. ${kept}; put one in its place that is valid.`
    : `The certificate in ${file} is valid from ${facts.notBefore.toISOString()} on only. ${kept} until then; look at the clock of this machine (${now.toISOString()}) if that is wrong.`;
}

function unusable(problems: readonly string[]): PorticoError {
  return new PorticoError('PORTICO_CERTIFICATES_UNUSABLE', problems.join('\n'));
}

function filesIn({ certificates, trustFiles, revocationListFiles }: TlsConfig): readonly string[] {
  return [...certificates.flatMap(filesOf), ...trustFiles, ...revocationListFiles];
}
