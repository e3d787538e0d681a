import type { Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import type { ConnectionInfo } from '../../exchange/exchange.js';
import { currentHttpDate } from '../../http/http-date.js';
import type { ConnectorObserver } from '../connector-observer.js';
import { type RefusalReason, refusalResponse, refusalStatus } from '../refusal.js';
import { carrierOf } from '../reset-socket.js';
import { connectionInfoOf } from '../socket-info.js';
import { isWhole, readClientHello } from './client-hello.js';
import { CHALLENGE_PROTOCOL } from './protocols.js';
import type { SecureServers } from './secure-servers.js';
import { tlsInfoOf } from './socket-facts.js';

/** What a stage is made with. */
export interface TlsStageOptions {
  readonly handshakeTimeoutMs: number;
  readonly observer: ConnectorObserver;
  /** A connection is encrypted; whoever it is given to owns it. */
  readonly secured: (socket: TLSSocket, info: ConnectionInfo) => void;
}

/**
 * Makes encrypted connections of plain ones. Owns each connection from its acceptance to the end of its handshake, and
 * cuts what has not got there in time.
 *
 * The first bytes are looked at before there is any TLS: a connection that says nothing costs next to nothing, and
 * who speaks plain HTTP to this port is told so.
 */
export class TlsStage {
  readonly #options: TlsStageOptions;
  readonly #handshakes = new Map<Socket, Handshake>();
  /** By the connection that carries it; for those as well that have closed, of which TLS hears later. */
  readonly #known = new WeakMap<Socket, Handshake>();
  readonly #followed = new WeakSet<Server>();
  #servers: SecureServers;
  #onEmpty: (() => void) | undefined;

  constructor(options: TlsStageOptions, servers: SecureServers) {
    this.#options = options;
    this.#servers = servers;
  }

  /** From now on handshakes are made with these; those that have begun go on with what they have. */
  use(servers: SecureServers): void {
    this.#servers = servers;
  }

  get servers(): SecureServers {
    return this.#servers;
  }

  /** Connections whose handshake is not over. */
  get size(): number {
    return this.#handshakes.size;
  }

  /** Takes over a connection nobody has read from, or whose first bytes were put back. */
  accept(socket: Socket, info: ConnectionInfo = connectionInfoOf(socket, true)): void {
    const { handshakeTimeoutMs } = this.#options;
    const timer = setTimeout(() => this.#refuse(socket, 'tls-handshake-timeout'), handshakeTimeoutMs);
    const onReadable = (): void => this.#begin(socket);
    const handshake: Handshake = { info, timer, onReadable, firstBytes: undefined, isReported: false };
    this.#handshakes.set(socket, handshake);
    this.#known.set(socket, handshake);
    socket.on('readable', onReadable);
    socket.on('end', destroyThis);
    socket.on('error', destroyThis);
    socket.once('close', () => this.#forget(socket));
  }

  /**
   * Cuts connections that have said nothing, and all others after `deadlineMs`. Resolves when none is left; those whose
   * handshake succeeded were handed on.
   */
  async drain(deadlineMs: number): Promise<void> {
    // What has arrived already is read first.
    await new Promise((resolve) => setImmediate(resolve));
    for (const [socket, { firstBytes }] of this.#handshakes) if (firstBytes === undefined) socket.destroy();
    if (this.#handshakes.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadlineMs);
        this.#onEmpty = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    for (const socket of this.#handshakes.keys()) socket.destroy();
  }

  #begin(socket: Socket): void {
    const handshake = this.#handshakes.get(socket);
    const read = socket.read() as Buffer | null;
    // Nothing yet; or the end, which has an event of its own.
    if (read === null || handshake === undefined) return;
    const { firstBytes } = handshake;
    const bytes = firstBytes === undefined ? read : Buffer.concat([firstBytes, read]);
    handshake.firstBytes = bytes;
    if (bytes[0] === HANDSHAKE_RECORD && !isWhole(bytes)) return;
    socket.off('readable', handshake.onReadable);
    socket.off('end', destroyThis);
    if (bytes[0] !== HANDSHAKE_RECORD) {
      this.#refuse(socket, isUpperCase(bytes[0]) ? 'plain-http' : 'tls-handshake-failed');
      return;
    }
    let server: Server;
    try {
      server = this.#serverFor(bytes);
    } catch {
      // OpenSSL cannot use the certificates of this name. Only this handshake fails, and is counted.
      this.#refuse(socket, 'tls-handshake-failed');
      return;
    }
    socket.off('error', destroyThis);
    socket.unshift(bytes);
    // A client that goes away within the handshake is gone; the protocol behind it may have clients that half close.
    socket.allowHalfOpen = false;
    // Documented: "can be explicitly emitted by users to inject connections into the TLS server".
    server.emit('connection', socket);
  }

  #serverFor(bytes: Buffer): Server {
    const { serverFor, challenges } = this.#servers;
    const hello = readClientHello(bytes);
    if (challenges !== undefined && hello?.protocols.includes(CHALLENGE_PROTOCOL) === true) {
      if (this.#isNew(challenges)) {
        challenges.on('secureConnection', (socket) => socket.end());
        challenges.on('tlsClientError', (_error, socket) => socket.destroy());
      }
      return challenges;
    }
    const server = serverFor(hello?.serverName);
    if (this.#isNew(server)) {
      server.on('secureConnection', (socket) => this.#secured(socket));
      server.on('tlsClientError', (error, socket) => this.#failed(error, socket));
    }
    return server;
  }

  /** Nobody listens to its events yet; the caller does now. */
  #isNew(server: Server): boolean {
    if (this.#followed.has(server)) return false;
    this.#followed.add(server);
    return true;
  }

  #secured(socket: TLSSocket): void {
    const carrier = carrierOf(socket);
    const handshake = carrier === undefined ? undefined : this.#handshakes.get(carrier);
    if (carrier === undefined || handshake === undefined) {
      socket.destroy();
      return;
    }
    this.#forget(carrier);
    const tls = tlsInfoOf(socket, handshake.firstBytes);
    if (tls === undefined) {
      this.#options.observer.refused?.('client-certificate', 0, handshake.info, undefined);
      socket.destroy();
      return;
    }
    this.#options.secured(socket, { ...handshake.info, isSecure: true, tls });
  }

  #failed(error: Error & { readonly code?: string }, socket: TLSSocket): void {
    const carrier = carrierOf(socket);
    const handshake = carrier === undefined ? undefined : this.#known.get(carrier);
    if (handshake !== undefined) {
      if (socket.authorizationError) this.#report(handshake, 'client-certificate');
      // A client that goes away has its reasons; nothing was refused.
      else if (error.code !== 'ECONNRESET') this.#report(handshake, reasonOf(error));
    }
    socket.destroy();
  }

  #refuse(socket: Socket, reason: RefusalReason): void {
    const handshake = this.#handshakes.get(socket);
    if (handshake === undefined) return;
    this.#report(handshake, reason);
    if (refusalStatus(reason) === 0) {
      socket.destroy();
      return;
    }
    // What the client still sends is read and dropped, or the answer could be lost (RFC 9112 §9.6).
    socket.resume();
    socket.end(refusalResponse(reason, currentHttpDate()), 'latin1');
    clearTimeout(handshake.timer);
    handshake.timer = setTimeout(() => socket.destroy(), LINGER_MS);
  }

  #report(handshake: Handshake, reason: RefusalReason): void {
    if (handshake.isReported) return;
    handshake.isReported = true;
    this.#options.observer.refused?.(reason, refusalStatus(reason), handshake.info, undefined);
  }

  #forget(socket: Socket): void {
    const handshake = this.#handshakes.get(socket);
    if (handshake === undefined) return;
    clearTimeout(handshake.timer);
    this.#handshakes.delete(socket);
    if (this.#handshakes.size === 0) this.#onEmpty?.();
  }
}

/** A connection on its way. */
interface Handshake {
  readonly info: ConnectionInfo;
  timer: NodeJS.Timeout;
  readonly onReadable: () => void;
  firstBytes: Buffer | undefined;
  /** One connection is counted once. */
  isReported: boolean;
}

const HANDSHAKE_RECORD = 22;
/** For a client that gets an answer, to take it and close. */
const LINGER_MS = 500;

function destroyThis(this: Socket): void {
  this.destroy();
}

/** A method begins with such a letter; no record of TLS does. */
function isUpperCase(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x41 && byte <= 0x5a;
}

function reasonOf({ code = '' }: { readonly code?: string }): RefusalReason {
  return code.includes('CERTIFICATE') ? 'client-certificate' : 'tls-handshake-failed';
}
