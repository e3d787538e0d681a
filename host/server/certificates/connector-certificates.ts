import { stat } from 'node:fs/promises';
import type { TlsConfig } from '../../config/tls-config.js';
import { messageOf, PorticoError } from '../../errors.js';
import type { CertificateFacts } from '../../tls/certificate-facts.js';
import type { CertificateUpdate, ChallengeCertificate, TlsSettings } from '../../tls/tls-settings.js';
import { certificateSets } from './certificate-sets.js';
import { filesOf, type ReadCertificate, readCertificate, readTrust } from './read-certificate.js';

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
  #trust: readonly string[];
  #update: CertificateUpdate;
  /** What the files looked like when they were read, and when they were last looked at. */
  #readSignature: string;
  #seenSignature: string;

  private constructor(connector: string, config: TlsConfig, contents: Contents) {
    this.connector = connector;
    this.config = config;
    this.#certificates = contents.certificates;
    this.#trust = contents.trust;
    this.#update = { certificates: contents.update.certificates };
    this.#readSignature = this.#seenSignature = contents.signature;
  }

  /** Rejects with `PORTICO_CERTIFICATES_UNUSABLE`, which names every file that cannot be used. */
  static async load(connector: string, config: TlsConfig): Promise<ConnectorCertificates> {
    return new ConnectorCertificates(connector, config, await read(config));
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
      trust: this.#trust,
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
    this.#update = { certificates: this.#update.certificates, ...(challenges.length > 0 && { challenges }) };
  }

  /** Reads all files anew. Rejects with `PORTICO_CERTIFICATES_UNUSABLE`; then everything stays as it was. */
  async reload(): Promise<void> {
    const contents = await read(this.config);
    this.#certificates = contents.certificates;
    this.#update = { ...this.#update, certificates: contents.update.certificates };
    this.#readSignature = this.#seenSignature = contents.signature;
  }

  /**
   * True once for each change of a file, when it has not changed any more since the last call: who replaces two files does
   * not do it at once.
   */
  async hasChanged(): Promise<boolean> {
    const signature = await signatureOf(this.config);
    const isStable = signature === this.#seenSignature;
    this.#seenSignature = signature;
    if (!isStable || signature === this.#readSignature) return false;
    // Files that turn out broken are looked at again when they have changed again.
    this.#readSignature = signature;
    return true;
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
}

interface Contents {
  readonly certificates: readonly ReadCertificate[];
  readonly trust: readonly string[];
  readonly update: CertificateUpdate;
  readonly signature: string;
}

async function read(config: TlsConfig): Promise<Contents> {
  // Before reading: what changes meanwhile is seen as a change later.
  const signature = await signatureOf(config);
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
  for (const source of config.certificates) {
    const one = await attempt(source.place, readCertificate(source, config.ciphers));
    if (one !== undefined) certificates.push(one);
  }
  const trust = (await attempt(`${config.place}.trust`, readTrust(config.trustFiles))) ?? [];
  if (problems.length > 0) throw unusable(problems);
  const grouped = certificateSets(config, certificates);
  if (grouped.problems.length > 0) throw unusable(grouped.problems);
  return { certificates, trust, update: { certificates: grouped.sets }, signature };
}

function unusable(problems: readonly string[]): PorticoError {
  return new PorticoError('PORTICO_CERTIFICATES_UNUSABLE', problems.join('\n'));
}

/** Changes with every file: links that lead elsewhere, contents, files that come and go. */
async function signatureOf(config: TlsConfig): Promise<string> {
  const files = config.certificates.flatMap(filesOf);
  const parts = await Promise.all(
    files.map(async (file) => {
      try {
        const { ino, size, mtimeMs, ctimeMs } = await stat(file);
        return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
      } catch (error) {
        return messageOf(error);
      }
    }),
  );
  return parts.join('\n');
}
