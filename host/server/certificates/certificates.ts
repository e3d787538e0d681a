import type {
  AcmeView,
  CertificatesView,
  CertificateView,
  RevocationListView,
} from '../../admin/certificates-view.js';
import type { HostConfig } from '../../config/host-config.js';
import type { TlsConfig } from '../../config/tls-config.js';
import type { HttpChallengeTokens } from '../../front/http-challenges.js';
import type { ServerLog } from '../../log/server-log.js';
import { validityOf } from '../../tls/certificate-facts.js';
import type { TlsSettings } from '../../tls/tls-settings.js';
import { AcmeChallenges } from './acme/acme-challenges.js';
import type { AcmeRenewal } from './acme/acme-renewal.js';
import { validityOfList } from './client-trust.js';
import type { CertificateStatus } from './connector-certificates.js';
import { ExpiryWatch } from './expiry-watch.js';
import { OcspStapling } from './ocsp/ocsp-stapling.js';
import { type ListInUse, RevocationWatch } from './revocation-watch.js';
import { type TellFronts, TlsConnectors } from './tls-connectors.js';

/**
 * All that the server does about certificates: those of files, those that come from authorities, and the watch over their
 * end. Owned by the server; works from `start` to `stop`.
 */
export class Certificates {
  readonly #connectors: TlsConnectors;
  readonly #renewals: ReadonlyMap<string, AcmeRenewal>;
  readonly #expiry: ExpiryWatch;
  readonly #revocation: RevocationWatch;
  readonly #stapling: OcspStapling;
  #tokens: HttpChallengeTokens = {};
  #tell: TellFronts = async () => undefined;

  private constructor(connectors: TlsConnectors, renewals: ReadonlyMap<string, AcmeRenewal>, log: ServerLog) {
    this.#connectors = connectors;
    this.#renewals = renewals;
    this.#expiry = new ExpiryWatch(() => connectors.status(), log);
    this.#revocation = new RevocationWatch(() => connectors.revocationLists(), log);
    this.#stapling = new OcspStapling({ certificates: () => connectors.stapled(), log });
  }

  /** Reads what there is; asks no authority. Rejects with `PORTICO_CERTIFICATES_UNUSABLE` and `PORTICO_ACME_STORE`. */
  static async load(config: HostConfig, log: ServerLog): Promise<Certificates> {
    const renewals = new Map<string, AcmeRenewal>();
    let made: Certificates | undefined;
    const challenges = new AcmeChallenges({
      http: async (tokens) => {
        if (made !== undefined) await made.#tellTokens(tokens);
      },
      tls: async (shown) => {
        // Whichever of them has the port that the authority asks.
        for (const { name } of config.connectors)
          if (made !== undefined) await made.#connectors.challenge(name, shown);
      },
    });
    const connectors = await Promise.all(
      config.connectors.map(async (connector) => {
        const { name, tls } = connector;
        if (tls?.acme === undefined) return connector;
        const { AcmeRenewal } = await import('./acme/acme-renewal.js');
        const renewal = new AcmeRenewal({
          connector: name,
          config: tls.acme,
          workFolder: config.folders.work,
          challenges,
          log,
          obtained: () => {
            if (made !== undefined) void made.#taken(name);
          },
        });
        await renewal.prepare();
        renewals.set(name, renewal);
        return { ...connector, tls: withFile(tls, tls.acme.hosts, renewal.file) };
      }),
    );
    made = new Certificates(await TlsConnectors.load(connectors, log), renewals, log);
    return made;
  }

  /** Settings of a connector as they are now; undefined when it has no TLS. */
  settings(connector: string): TlsSettings | undefined {
    const settings = this.#connectors.settings(connector);
    const isStapling = this.#connectors.isStapling(connector);
    return settings && isStapling ? { ...settings, staples: this.#stapling.staplesOf(connector) } : settings;
  }

  /** As `ConnectorSettings.httpChallenges`. */
  get httpChallenges(): HttpChallengeTokens {
    return this.#tokens;
  }

  /** The fronts listen: files are watched, authorities are asked. */
  start(tell: TellFronts): void {
    this.#tell = tell;
    this.#connectors.start(tell, () => this.#look());
    this.#expiry.start();
    this.#revocation.start();
    this.#stapling.start(async (connector, changes) => await tell({ type: 'staples', connector, changes }));
    for (const renewal of this.#renewals.values()) renewal.start();
  }

  async stop(): Promise<void> {
    this.#expiry.stop();
    this.#revocation.stop();
    this.#stapling.stop();
    this.#connectors.stop();
    await Promise.all([...this.#renewals.values()].map((renewal) => renewal.stop()));
    this.#tell = async () => undefined;
  }

  /** As `TlsConnectors.reload`; authorities that have failed are asked again at once. */
  async reload(connector: string | undefined): Promise<void> {
    for (const [name, renewal] of this.#renewals)
      if (connector === undefined || name === connector) renewal.retryNow();
    this.#stapling.retryNow(connector);
    await this.#connectors.reload(connector);
  }

  /** For the admin API. */
  get view(): CertificatesView {
    return {
      certificates: () =>
        this.#connectors.status().map((status) => {
          const ocsp = this.#stapling.statusOf(status.connector, status.fingerprint256);
          return { ...viewOf(status), ...(ocsp !== undefined && { ocsp }) };
        }),
      acme: () => [...this.#renewals].map(([connector, { status }]): AcmeView => ({ connector, ...status })),
      revocationLists: () => this.#connectors.revocationLists().map(listViewOf),
      reloads: () => this.#connectors.reloads(),
      reload: async (connector) => await this.reload(connector),
    };
  }

  /** Certificates or lists are others now. */
  #look(): void {
    this.#expiry.look();
    this.#revocation.look();
    this.#stapling.look();
  }

  async #tellTokens(tokens: HttpChallengeTokens): Promise<void> {
    this.#tokens = tokens;
    await this.#tell({ type: 'http-challenges', tokens });
  }

  /** The file of a renewal holds a new certificate. What is wrong with it is said by whoever reads it. */
  async #taken(connector: string): Promise<void> {
    await this.#connectors.reload(connector, { onlyChanged: true }).catch(() => undefined);
  }
}

/** The certificate of an authority is one of files like the others; its file is always there. */
function withFile(tls: TlsConfig, hosts: readonly string[], file: string): TlsConfig {
  const source = {
    kind: 'pem' as const,
    place: `${tls.place}.acme`,
    hosts,
    password: undefined,
    certFile: file,
    keyFile: file,
  };
  return { ...tls, certificates: [...tls.certificates, source] };
}

function viewOf({ notBefore, notAfter, ...rest }: CertificateStatus): CertificateView {
  const validity = validityOf({ notBefore, notAfter }, new Date());
  return { ...rest, notBefore: notBefore.toISOString(), notAfter: notAfter.toISOString(), validity };
}

function listViewOf(list: ListInUse): RevocationListView {
  const { connector, file, issuer, thisUpdate, nextUpdate } = list;
  const times = { thisUpdate: thisUpdate.toISOString(), nextUpdate: nextUpdate?.toISOString() };
  return { connector, file, issuer, ...times, validity: validityOfList(list, new Date()) };
}
