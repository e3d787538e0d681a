import type { ConnectorConfig } from '../../config/host-config.js';
import { messageOf } from '../../errors.js';
import type { FrontCommand } from '../../front/messages.js';
import type { ServerLog } from '../../log/server-log.js';
import type { ChallengeCertificate, TlsSettings } from '../../tls/tls-settings.js';
import { type CertificateStatus, ConnectorCertificates } from './connector-certificates.js';
import { TicketKeyRing } from './ticket-key-ring.js';

/** Hands a command to every front; resolves when it is in force at all of them. */
export type TellFronts = (
  command: Extract<FrontCommand, { type: 'certificates' | 'ticket-keys' }>,
) => Promise<void>;

/**
 * TLS of all connectors as the server sees it: reads certificates, watches their files, reloads them on command and turns
 * the keys of session tickets over. Owned by the server; its timers run from `start` to `stop`.
 */
export class TlsConnectors {
  readonly #connectors: readonly ConnectorCertificates[];
  readonly #log: ServerLog;
  readonly #ring = new TicketKeyRing();
  #timers: NodeJS.Timeout[] = [];
  #tell: TellFronts = async () => undefined;

  private constructor(connectors: readonly ConnectorCertificates[], log: ServerLog) {
    this.#connectors = connectors;
    this.#log = log;
  }

  /** Rejects with `PORTICO_CERTIFICATES_UNUSABLE`. */
  static async load(configs: readonly ConnectorConfig[], log: ServerLog): Promise<TlsConnectors> {
    const connectors: ConnectorCertificates[] = [];
    for (const { name, tls } of configs)
      if (tls !== undefined) connectors.push(await ConnectorCertificates.load(name, tls));
    return new TlsConnectors(connectors, log);
  }

  /** Settings of a connector as they are now; undefined when it has no TLS. */
  settings(connector: string): TlsSettings | undefined {
    return this.#find(connector)?.settings(this.#ring.keys);
  }

  start(tell: TellFronts): void {
    this.#tell = tell;
    for (const connector of this.#connectors) {
      const { watchIntervalMs } = connector.config;
      if (watchIntervalMs > 0) this.#every(watchIntervalMs, () => this.#look(connector));
    }
    const lifetimes = this.#connectors.map(({ config }) => config.sessionLifetimeMs).filter((ms) => ms > 0);
    // A ticket of the previous key is accepted for one more period, so that none is refused before its time.
    if (lifetimes.length > 0) this.#every(Math.max(...lifetimes), () => this.rotateTicketKeys());
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers = [];
    this.#tell = async () => undefined;
  }

  /**
   * Reads the certificates of a connector anew, or those of all. Resolves when new connections get them; connections that
   * live are not touched. Rejects with `PORTICO_CERTIFICATES_UNUSABLE`; then that connector keeps what it has.
   */
  async reload(connector?: string): Promise<void> {
    const failures: unknown[] = [];
    for (const one of this.#connectors) {
      if (connector !== undefined && one.connector !== connector) continue;
      try {
        await one.reload();
        await this.#publish(one);
        this.#log.info({ event: 'certificates', connector: one.connector }, 'certificates were read anew');
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
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

  #find(name: string): ConnectorCertificates | undefined {
    return this.#connectors.find(({ connector }) => connector === name);
  }

  async #publish({ connector, update }: ConnectorCertificates): Promise<void> {
    await this.#tell({ type: 'certificates', connector, update });
  }

  async #look(connector: ConnectorCertificates): Promise<void> {
    if (await connector.hasChanged()) await this.reload(connector.connector);
  }

  #every(ms: number, work: () => Promise<void>): void {
    let isBusy = false;
    const turn = async (): Promise<void> => {
      if (isBusy) return;
      isBusy = true;
      try {
        await work();
      } catch (error) {
        this.#log.error({ err: error }, `the certificates in use are kept: ${messageOf(error)}`);
      } finally {
        isBusy = false;
      }
    };
    this.#timers.push(setInterval(() => void turn(), ms).unref());
  }
}
