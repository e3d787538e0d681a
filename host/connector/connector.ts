import type { Socket } from 'node:net';
import type { ConnectorSettings } from '../config/connector-settings.js';
import type { ConnectionInfo, ExchangeHandler, RequestHead } from '../exchange/exchange.js';
import type { CertificateUpdate } from '../tls/tls-settings.js';
import type { ConnectorObserver } from './connector-observer.js';
import { Http1Listener } from './http1-listener.js';
import { resetSocket } from './reset-socket.js';
import { connectionInfoOf } from './socket-info.js';
import { ConnectorTls } from './tls/connector-tls.js';
import type { EngineTls } from './tls/engine-tls.js';
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
  readonly #tls: ConnectorTls | undefined;

  /** Throws what OpenSSL says when a certificate cannot be used. */
  constructor({ settings, handler, observer = {}, waives, engineTls }: ConnectorOptions) {
    this.#settings = settings;
    this.#observer = observer;
    this.#http1 = new Http1Listener({
      limits: settings.limits,
      handler,
      observer,
      waives,
      // RFC 6797 §7.2: never on a connection that is not encrypted.
      transportSecurity: settings.tls === undefined ? undefined : settings.transportSecurity,
    });
    this.#tls = ConnectorTls.of(settings, engineTls, {
      observer,
      secured: (socket, info) => this.#http1.attach(socket, info),
    });
  }

  /** Connections being served, tunnels and unfinished handshakes included. */
  get openConnections(): number {
    return this.#http1.openConnections + (this.#tls?.handshakes ?? 0);
  }

  /** Serves one accepted connection from its first byte on, and owns the socket from here. */
  accept(socket: Socket): void {
    const tls = this.#tls;
    if (tls === undefined) this.#http1.attach(socket);
    else if (this.openConnections < this.#settings.limits.maxConnections) tls.accept(socket);
    else this.#refuse(socket, connectionInfoOf(socket, true));
  }

  /** New handshakes use these certificates. Throws what OpenSSL says, and changes nothing. */
  useCertificates(update: CertificateUpdate): void {
    this.#tls?.useCertificates(update);
  }

  /** As `TlsSettings.ticketKeys`. */
  useTicketKeys(keys: readonly string[]): void {
    this.#tls?.useTicketKeys(keys);
  }

  /** Whether the request is for a host that another certificate serves than the one its connection was opened with. */
  isMisdirected(head: RequestHead): boolean {
    return this.#tls?.isMisdirected(head) === true;
  }

  /** As `Http1Listener.drain`, for every protocol. */
  async drain(deadlineMs: number): Promise<void> {
    const until = performance.now() + deadlineMs;
    await Promise.all([this.#tls?.drain(deadlineMs), this.#http1.drain(deadlineMs)]);
    // Those whose handshake ended meanwhile.
    if (this.#http1.openConnections > 0) await this.#http1.drain(Math.max(0, until - performance.now()));
  }

  /** An answer would need a handshake first, which is what costs. */
  #refuse(socket: Socket, info: ConnectionInfo): void {
    this.#observer.refused?.('connection-limit', 0, info, undefined);
    socket.on('error', () => socket.destroy());
    resetSocket(socket);
  }
}
