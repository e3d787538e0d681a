import type { ConnectorConfig } from '../../config/host-config.js';
import { messageOf, PorticoError } from '../../errors.js';
import type { FrontCommand } from '../../front/messages.js';
import type { ServerLog } from '../../log/server-log.js';
import type { ChallengeCertificate, TlsSettings } from '../../tls/tls-settings.js';
import { type CertificateStatus, ConnectorCertificates } from './connector-certificates.js';
import { FileWatch } from './file-watch.js';
import type { StapledCertificate } from './ocsp/ocsp-stapling.js';
import type { ListInUse } from './revocation-watch.js';
import { TicketKeyRing } from './ticket-key-ring.js';
import { uncoveredText } from './uncovered-hosts.js';

/** Hands a command to every front; resolves when it is in force at all of them. */
export type TellFronts = (
  command: Extract<FrontCommand, { type: 'certificates' | 'staples' | 'ticket-keys' | 'http-challenges' }>,
) => Promise<void>;

/** How often the certificates of a connector were read anew, and what was wrong. */
export interface ReloadStatus {
  readonly connector: string;
  readonly succeeded: number;
  readonly failed: number;
  /** What was wrong with the last one; undefined when nothing was. What it names is served as it was before. */
  readonly lastError: string | undefined;
  /** ISO 8601; undefined when there was none. */
  readonly lastAt: string | undefined;
}

/**
 * TLS of all connectors as the server sees it: reads certificates, watches their files, reloads them on command and turns
 * the keys of session tickets over. Owned by the server; its timers run from `start` to `stop`.
 */
export class TlsConnectors {
  readonly #connectors: readonly ConnectorCertificates[];
  readonly #log: ServerLog;
  readonly #ring = new TicketKeyRing();
  readonly #reloads = new Map<string, ReloadStatus>();
  #timers: NodeJS.Timeout[] = [];
  #watches: FileWatch[] = [];
  /** Two at a time could put the older in the place of the newer. */
  #queue: Promise<unknown> = Promise.resolve();
  #tell: TellFronts = async () => undefined;
  #changed: () => void = () => undefined;

  private constructor(connectors: readonly ConnectorCertificates[], log: ServerLog) {
    this.#connectors = connectors;
    this.#log = log;
  }

  /** Rejects with `PORTICO_CERTIFICATES_UNUSABLE`. */
  static async load(configs: readonly ConnectorConfig[], log: ServerLog): Promise<TlsConnectors> {
    const connectors: ConnectorCertificates[] = [];
    const problems: string[] = [];
    for (const { name, tls } of configs) {
      if (tls === undefined) continue;
      try {
        connectors.push(await ConnectorCertificates.load(name, tls));
      } catch (error) {
        if (!(error instanceof PorticoError)) throw error;
        problems.push(error.message);
      }
    }
    if (problems.length > 0) throw new PorticoError('PORTICO_CERTIFICATES_UNUSABLE', problems.join('\n'));
    return new TlsConnectors(connectors, log);
  }

  /** Settings of a connector as they are now; undefined when it has no TLS. */
  settings(connector: string): TlsSettings | undefined {
    return this.#find(connector)?.settings(this.#ring.keys);
  }

  /** `changed`: a connector has other certificates, and the fronts know. */
  start(tell: TellFronts, changed: () => void = () => undefined): void {
    this.#tell = tell;
    this.#changed = changed;
    for (const connector of this.#connectors) {
      const { watchIntervalMs } = connector.config;
      if (watchIntervalMs === 0) continue;
      this.#every(watchIntervalMs, () => this.#look(connector));
      // Twice: the second look sees that nothing changes any more.
      const lookSoon = () => void this.#look(connector).then(() => this.#look(connector));
      this.#watches.push(new FileWatch(connector.files, lookSoon));
    }
    for (const connector of this.#connectors) this.#warnOfHosts(connector);
    const lifetimes = this.#connectors.map(({ config }) => config.sessionLifetimeMs).filter((ms) => ms > 0);
    // A ticket of the previous key is accepted for one more period, so that none is refused before its time.
    if (lifetimes.length > 0) this.#every(Math.max(...lifetimes), () => this.rotateTicketKeys());
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    for (const watch of this.#watches) watch.close();
    this.#timers = [];
    this.#watches = [];
    this.#tell = async () => undefined;
    this.#changed = () => undefined;
  }

  /**
   * Reads the certificates of a connector anew, or those of all; of thousands perhaps only those whose files have
   * changed. Resolves when new connections get them; connections that live are not touched. Rejects with
   * `PORTICO_CERTIFICATES_UNUSABLE`; then what it names is served as before. Rejects with `PORTICO_CONNECTOR_UNKNOWN`
   * when no connector with TLS has this name.
   */
  async reload(connector?: string, { onlyChanged = false } = {}): Promise<void> {
    const wanted = this.#connectors.filter((one) => connector === undefined || one.connector === connector);
    if (connector !== undefined && wanted.length === 0)
      throw new PorticoError(
        'PORTICO_CONNECTOR_UNKNOWN',
        `There is no connector ${JSON.stringify(connector)} with TLS. Those with TLS are: ${this.#connectors.map((one) => one.connector).join(', ') || 'none'}.`,
      );
    const work = this.#queue.then(async () => {
      const failures: string[] = [];
      for (const one of wanted) failures.push(...(await this.#reload(one, onlyChanged)));
      if (failures.length > 0) throw new PorticoError('PORTICO_CERTIFICATES_UNUSABLE', failures.join('\n'));
    });
    this.#queue = work.catch(() => undefined);
    await work;
  }

  /** Certificates for TLS-ALPN-01; see `TlsSettings.challenges`. Resolves when all fronts show them. */
  async challenge(connector: string, challenges: readonly ChallengeCertificate[]): Promise<void> {
    const one = this.#find(connector);
    if (one === undefined) return;
    one.challenge(challenges);
    await this.#publish(one);
  }

  async rotateTicketKeys(): Promise<void> {
    this.#ring.rotate();
    await this.#tell({ type: 'ticket-keys', keys: this.#ring.keys });
  }

  status(): CertificateStatus[] {
    return this.#connectors.flatMap((connector) => connector.status());
  }

  isStapling(connector: string): boolean {
    return this.#find(connector)?.config.ocspStapling === true;
  }

  /** Of connectors that staple. */
  stapled(): StapledCertificate[] {
    return this.#connectors.flatMap(({ stapled }) => stapled);
  }

  revocationLists(): ListInUse[] {
    return this.#connectors.flatMap(({ connector, revocationLists }) =>
      revocationLists.map((list) => ({ ...list, connector })),
    );
  }

  /** One for each connector with TLS. */
  reloads(): ReloadStatus[] {
    return this.#connectors.map(({ connector }) => this.#reloadOf(connector));
  }

  #reloadOf(connector: string): ReloadStatus {
    const none = { connector, succeeded: 0, failed: 0, lastError: undefined, lastAt: undefined };
    return this.#reloads.get(connector) ?? none;
  }

  /** What is wrong, if anything is; it has been said in the log then. */
  async #reload(one: ConnectorCertificates, onlyChanged: boolean): Promise<string[]> {
    const { connector } = one;
    let lastError: string | undefined;
    const before = one.update;
    try {
      await one.reload({ onlyChanged });
    } catch (error) {
      lastError = messageOf(error);
      const code = error instanceof PorticoError ? error.code : 'PORTICO_INTERNAL';
      this.#log.error(
        { event: 'certificates-kept', connector, code },
        `certificates in use are kept, because: ${lastError}`,
      );
    }
    if (one.update !== before) {
      await this.#publish(one);
      this.#changed();
      this.#warnOfHosts(one);
    }
    if (lastError === undefined)
      this.#log.info({ event: 'certificates', connector }, 'certificates were read anew');
    const { succeeded, failed } = this.#reloadOf(connector);
    this.#reloads.set(connector, {
      connector,
      succeeded: succeeded + (lastError === undefined ? 1 : 0),
      failed: failed + (lastError === undefined ? 0 : 1),
      lastError,
      lastAt: new Date().toISOString(),
    });
    return lastError === undefined ? [] : [lastError];
  }

  #warnOfHosts(one: ConnectorCertificates): void {
    for (const certificate of one.status()) {
      const text = uncoveredText(certificate);
      if (text !== undefined) this.#log.warn({ event: 'certificate-hosts', connector: one.connector }, text);
    }
  }

  #find(name: string): ConnectorCertificates | undefined {
    return this.#connectors.find(({ connector }) => connector === name);
  }

  async #publish({ connector, update }: ConnectorCertificates): Promise<void> {
    await this.#tell({ type: 'certificates', connector, update });
  }

  async #look(connector: ConnectorCertificates): Promise<void> {
    if (!(await connector.hasChanged())) return;
    // What is wrong has been said.
    await this.reload(connector.connector, { onlyChanged: true }).catch(() => undefined);
  }

  #every(ms: number, work: () => Promise<void>): void {
    let isBusy = false;
    const turn = async (): Promise<void> => {
      if (isBusy) return;
      isBusy = true;
      try {
        await work();
      } catch (error) {
        this.#log.error({ err: error }, 'certificates could not be looked after');
      } finally {
        isBusy = false;
      }
    };
    this.#timers.push(setInterval(() => void turn(), ms).unref());
  }
}
