import type { Socket } from 'node:net';
import type { ConnectorSettings } from '../config/connector-settings.js';
import type { ConnectionInfo, ExchangeHandler, RequestHead } from '../exchange/exchange.js';
import type { CertificateUpdate, StapleChange } from '../tls/tls-settings.js';
import type { ConnectorExchange } from './connector-exchange.js';
import type { ConnectorObserver } from './connector-observer.js';
import type { DescriptorGuard } from './descriptor-guard.js';
import { Forwarding } from './forwarding/forwarding.js';
import { Http1Listener } from './http1-listener.js';
import { Http2Listener } from './http2/http2-listener.js';
import { ProxyProtocolStage } from './proxy-protocol/proxy-protocol-stage.js';
import { resetSocket } from './reset-socket.js';
import { connectionInfoOf } from './socket-info.js';
import { ConnectorTls } from './tls/connector-tls.js';
import type { EngineTls } from './tls/engine-tls.js';
import { HTTP_2 } from './tls/protocols.js';
import type { Waiver } from './waiver.js';

/** What a connector is made with. */
export interface ConnectorOptions {
  readonly settings: ConnectorSettings;
  readonly handler: ExchangeHandler;
  readonly observer?: ConnectorObserver;
  /** Instead of `settings.tls`: TLS as an application on its own configures it. */
  readonly engineTls?: EngineTls;
  /** Which rules are waived for a request; by default none ever is. */
  readonly waives?: Waiver | undefined;
  /** Shared by the connectors of a process. Without one, connections may use all of its descriptors. */
  readonly descriptors?: DescriptorGuard | undefined;
}

/**
 * One listening address, seen from its connections: takes each socket that somebody else has accepted through the
 * stages its settings ask for, and gives it to the listener of the protocol the client speaks. Owns the connections;
 * holds no listening socket: stop accepting before `drain`.
 */
export class Connector {
  readonly #settings: ConnectorSettings;
  readonly #observer: ConnectorObserver;
  readonly #http1: Http1Listener;
  readonly #http2: Http2Listener | undefined;
  readonly #tls: ConnectorTls | undefined;
  readonly #descriptors: DescriptorGuard | undefined;
  readonly #proxyProtocol: ProxyProtocolStage | undefined;
  #openElsewhere = 0;

  /** Throws what OpenSSL says when a certificate cannot be used. */
  constructor({
    settings,
    handler: served,
    observer = {},
    waives,
    engineTls,
    descriptors,
  }: ConnectorOptions) {
    const forwarding = settings.forwarding && new Forwarding(settings.forwarding);
    const handler = forwarding?.inFrontOf(served) ?? served;
    const { proxyProtocol } = settings;
    this.#settings = settings;
    this.#observer = observer;
    const { limits, http2 } = settings;
    // RFC 6797 §7.2: never on a connection that is not encrypted.
    const transportSecurity = settings.tls === undefined ? undefined : settings.transportSecurity;
    const shared = {
      limits,
      handler,
      observer,
      waives: forwarding?.waiverOf(waives) ?? waives,
      transportSecurity,
    };
    this.#http2 = http2 === undefined ? undefined : new Http2Listener({ ...shared, settings: http2 });
    const isGateway = forwarding && ((info: ConnectionInfo) => forwarding.isTrusted(info));
    this.#http1 = new Http1Listener({ ...shared, http2: this.#http2, isGateway });
    this.#tls = ConnectorTls.of(settings, engineTls, {
      observer,
      secured: (socket, info) => {
        if (socket.alpnProtocol === HTTP_2 && this.#http2 !== undefined) this.#http2.attach(socket, info);
        else this.#http1.attach(socket, info);
      },
    });
    this.#descriptors = descriptors;
    descriptors?.add(this.#http1);
    if (this.#http2 !== undefined) descriptors?.add(this.#http2);
    if (proxyProtocol !== undefined)
      this.#proxyProtocol = new ProxyProtocolStage({
        settings: proxyProtocol,
        observer,
        passed: (socket, info) => this.#begin(socket, info),
      });
  }

  /** Connections being served, tunnels and those that have not come to HTTP yet included. */
  get openConnections(): number {
    const served = this.#http1.openConnections + (this.#http2?.openConnections ?? 0);
    return served + (this.#tls?.handshakes ?? 0) + (this.#proxyProtocol?.size ?? 0);
  }

  /** Calls for each exchange that is open, whatever its protocol. */
  eachOpen(visit: (exchange: ConnectorExchange) => void): void {
    this.#http1.eachOpen(visit);
    this.#http2?.eachOpen(visit);
  }

  /** As `Http1Listener.countElsewhere`. */
  countElsewhere(open: number): void {
    this.#openElsewhere = open;
    this.#http1.countElsewhere(open);
  }

  /** Serves one accepted connection from its first byte on, and owns the socket from here. */
  accept(socket: Socket): void {
    const proxyProtocol = this.#proxyProtocol;
    if (proxyProtocol === undefined) this.#begin(socket, undefined);
    else if (this.#hasRoom) proxyProtocol.accept(socket);
    else this.#refuse(socket, connectionInfoOf(socket, false), 'connection-limit');
  }

  get #hasRoom(): boolean {
    return this.openConnections + this.#openElsewhere < this.#settings.limits.maxConnections;
  }

  /** With TLS or HTTP, whichever the connection is to begin with. `info`: what is known of it already. */
  #begin(socket: Socket, info: ConnectionInfo | undefined): void {
    const tls = this.#tls;
    if (this.#descriptors?.admits(socket) === false)
      this.#refuse(socket, info ?? connectionInfoOf(socket, tls !== undefined), 'descriptor-limit');
    else if (tls === undefined) this.#http1.attach(socket, info);
    else if (this.#hasRoom) tls.accept(socket, info);
    else this.#refuse(socket, info ?? connectionInfoOf(socket, true), 'connection-limit');
  }

  /** New handshakes use these certificates. Throws what OpenSSL says, and changes nothing. */
  useCertificates(update: CertificateUpdate): void {
    this.#tls?.useCertificates(update);
  }

  /** As `TlsSettings.staples`, which are changed. */
  useStaples(changes: readonly StapleChange[]): void {
    this.#tls?.useStaples(changes);
  }

  /** As `TlsSettings.ticketKeys`. */
  useTicketKeys(keys: readonly string[]): void {
    this.#tls?.useTicketKeys(keys);
  }

  /** Whether the request is for a host that another certificate serves than the one its connection was opened with. */
  isMisdirected(head: RequestHead): boolean {
    return this.#tls?.isMisdirected(head) === true;
  }

  /**
   * Another connector has taken its place: those that are connected already finish what they do, see
   * `Http1Listener.retire`. To be called when it gets no more sockets; `openConnections` tells when it can be forgotten.
   */
  retire(): void {
    this.#http1.retire();
    this.#http2?.retire();
  }

  /** It gets no more connections and has none. */
  dispose(): void {
    this.#descriptors?.remove(this.#http1);
    if (this.#http2 !== undefined) this.#descriptors?.remove(this.#http2);
  }

  /** As `Http1Listener.drain`, for every protocol. */
  async drain(deadlineMs: number): Promise<void> {
    const until = performance.now() + deadlineMs;
    // Not awaited where there is nothing to wait for: from this call on every answer says that it is the last.
    if (this.#proxyProtocol !== undefined) await this.#proxyProtocol.drain();
    await Promise.all([
      this.#tls?.drain(deadlineMs),
      this.#http1.drain(deadlineMs),
      this.#http2?.drain(deadlineMs),
    ]);
    // Those whose handshake ended meanwhile.
    const rest = Math.max(0, until - performance.now());
    await Promise.all([this.#http1.drain(rest), this.#http2?.drain(rest)]);
  }

  #refuse(socket: Socket, info: ConnectionInfo, reason: 'connection-limit' | 'descriptor-limit'): void {
    if (this.#tls === undefined) {
      this.#http1.refuse(socket, info, reason);
      return;
    }
    // An answer would need a handshake first, which is what costs.
    this.#observer.refused?.(reason, 0, info, undefined);
    socket.on('error', () => socket.destroy());
    resetSocket(socket);
  }
}
