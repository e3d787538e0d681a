import type { Socket } from 'node:net';
import type { ConnectorSettings } from '../../config/connector-settings.js';
import type { ConnectionInfo, RequestHead } from '../../exchange/exchange.js';
import type { CertificateUpdate, StapleChange, TlsSettings } from '../../tls/tls-settings.js';
import { createEngineServers, type EngineTls } from './engine-tls.js';
import { offeredProtocols } from './protocols.js';
import { createSecureServers } from './secure-servers.js';
import { Staples } from './staples.js';
import { TicketKeys } from './ticket-keys.js';
import { TlsStage, type TlsStageOptions } from './tls-stage.js';

/** For engines; the front is told. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** TLS of one connector: its settings as they are now, and the stage that makes handshakes. Owned by the connector. */
export class ConnectorTls {
  readonly #stage: TlsStage;
  readonly #ticketKeys: TicketKeys;
  readonly #staples: Staples;
  readonly #protocols: readonly string[];
  #settings: TlsSettings | undefined;

  private constructor(
    stage: TlsStage,
    ticketKeys: TicketKeys,
    staples: Staples,
    protocols: readonly string[],
    settings: TlsSettings | undefined,
  ) {
    this.#stage = stage;
    this.#ticketKeys = ticketKeys;
    this.#staples = staples;
    this.#protocols = protocols;
    this.#settings = settings;
  }

  /** Undefined for a connector without TLS. Throws what OpenSSL says about key and certificate. */
  static of(
    settings: ConnectorSettings,
    engine: EngineTls | undefined,
    surroundings: Pick<TlsStageOptions, 'observer' | 'secured'>,
  ): ConnectorTls | undefined {
    const { tls } = settings;
    const protocols = offeredProtocols(settings);
    const ticketKeys = new TicketKeys();
    const staples = new Staples();
    if (engine !== undefined) {
      const options = { ...surroundings, handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS };
      const stage = new TlsStage(options, createEngineServers(engine, protocols));
      return new ConnectorTls(stage, ticketKeys, staples, protocols, undefined);
    }
    if (tls === undefined) return undefined;
    ticketKeys.replace(tls.ticketKeys);
    staples.change(tls.staples ?? []);
    const options = { ...surroundings, handshakeTimeoutMs: tls.handshakeTimeoutMs };
    const stage = new TlsStage(options, createSecureServers(tls, ticketKeys, staples, protocols));
    return new ConnectorTls(stage, ticketKeys, staples, protocols, tls);
  }

  /** Connections whose handshake is not over. */
  get handshakes(): number {
    return this.#stage.size;
  }

  accept(socket: Socket, info?: ConnectionInfo): void {
    this.#stage.accept(socket, info);
  }

  useCertificates(update: CertificateUpdate): void {
    if (this.#settings === undefined) return;
    const { challenges, ...rest } = this.#settings;
    const settings = { ...rest, ...update };
    this.#stage.use(createSecureServers(settings, this.#ticketKeys, this.#staples, this.#protocols));
    this.#settings = settings;
  }

  useStaples(changes: readonly StapleChange[]): void {
    this.#staples.change(changes);
  }

  useTicketKeys(keys: readonly string[]): void {
    if (this.#settings === undefined) return;
    const hadNone = this.#ticketKeys.first === undefined;
    this.#ticketKeys.replace(keys);
    // Whether there are tickets at all is settled when a context is made.
    if (hadNone) this.useCertificates(this.#settings);
  }

  /**
   * Strict mode: both names lead to the same certificates. Compared by those of now: who connected before they were
   * replaced is treated as if he came now. Without a host in the request there is nothing to compare, nor behind a proxy
   * that is trusted: the handshake was between it and us.
   */
  isMisdirected({ authority, connection }: RequestHead): boolean {
    const { setOf } = this.#stage.servers;
    if (this.#settings?.strictSni !== true || setOf === undefined || authority === '') return false;
    if (connection.tls === undefined) return false;
    const { serverName } = connection.tls;
    const host = hostOf(authority);
    return host !== serverName && setOf(host) !== setOf(serverName);
  }

  async drain(deadlineMs: number): Promise<void> {
    await this.#stage.drain(deadlineMs);
  }
}

/** Without port. An address is no name of a certificate here; it leads to the default. */
function hostOf(authority: string): string {
  const colon = authority.indexOf(':', authority.lastIndexOf(']') + 1);
  return colon < 0 ? authority : authority.slice(0, colon);
}
