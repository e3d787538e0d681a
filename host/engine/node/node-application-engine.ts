import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerOptions,
  ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { type RefusalReason, refusalResponse, refusalStatus } from '../../connector/refusal.js';
import { connectionInfoOf } from '../../connector/socket-info.js';
import { tlsInfoOf } from '../../connector/tls/socket-facts.js';
import { messageOf } from '../../errors.js';
import type { ConnectionInfo, Exchange } from '../../exchange/exchange.js';
import { currentHttpDate } from '../../http/http-date.js';
import { STATUS_PAGE_TYPE, statusPage } from '../../http/status-page.js';
import type { CompleteConnector } from '../connector-settings.js';
import { SelfContainedEngine, type SelfContainedSettings } from '../self-contained-engine.js';
import { endEmptyMessage } from './end-empty-message.js';
import { NodeExchange, type NodeExchangeOwner } from './node-exchange.js';
import { readNodeHead } from './node-request-head.js';
import type { NodeTunnel } from './node-tunnel.js';

/** Settings of the engine on `node:http`. */
export interface NodeSettings extends SelfContainedSettings {
  /** Called with each server before it listens, for settings of Node that Portico has no name for. */
  readonly configureServer?: ((server: HttpServer) => void) | undefined;
}

/** How often Node looks for connections that are late. */
const CHECK_MS = 500;

/**
 * The engine on `node:http` and `node:https`: for applications that need the server of Node itself, such as libraries
 * that attach to it. Limits are mapped to Node's where it has them, and kept here where it has not. Two differ from our
 * connector: a client that closes its direction counts as gone, and a connection beyond `maxConnections` gets no answer.
 */
export class NodeApplicationEngine extends SelfContainedEngine {
  readonly #configureServer: ((server: HttpServer) => void) | undefined;
  readonly #servers: HttpServer[] = [];
  readonly #tunnels = new Set<NodeTunnel>();
  readonly #connections = new WeakMap<Socket, ConnectionInfo>();
  readonly #handler = (exchange: Exchange): void => this.accept(exchange);
  readonly #owner: NodeExchangeOwner;
  #isDraining = false;

  constructor(settings: NodeSettings) {
    super(settings);
    this.#configureServer = settings.configureServer;
    for (const name of ['enableHttp2', 'enableH2c'] as const)
      if (settings[name] === true)
        this.environment.log.warn(
          `${name} has no effect: the engine Node speaks HTTP/1.1 only. Take the engine CIO for HTTP/2.`,
        );
    const isDraining = (): boolean => this.#isDraining;
    this.#owner = {
      limits: this.limits,
      get isDraining() {
        return isDraining();
      },
      failed: (_exchange, error) =>
        this.environment.log.error(`A response could not be sent: ${messageOf(error)}`, error),
      tunnelBegun: (tunnel) => void this.#tunnels.add(tunnel),
      tunnelEnded: (tunnel) => void this.#tunnels.delete(tunnel),
    };
  }

  protected override createServer({ tls }: CompleteConnector): Server {
    const { limits } = this;
    const options: ServerOptions = {
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headerTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      // Bodies have a limit for their pauses, see NodeExchange; a slow large one is no fault.
      requestTimeout: 0,
      connectionsCheckingInterval: CHECK_MS,
      insecureHTTPParser: false,
    };
    const server =
      tls === undefined
        ? createHttpServer(options)
        : createHttpsServer({ ALPNProtocols: ['http/1.1'], ...tls, ...options });
    server.maxConnections = limits.maxConnections;
    server.maxRequestsPerSocket = limits.maxRequestsPerConnection;
    // Node drops fields beyond its count without a word; ours refuses the request.
    server.maxHeadersCount = 0;
    server.on('request', (message, response) => this.#serve(server, message, response, false));
    server.on('checkContinue', (message, response) => this.#serve(server, message, response, true));
    server.on('checkExpectation', (_message, response) => refuse(response, 'unknown-expectation'));
    server.on('upgrade', (message, socket, firstBytes) => this.#upgrade(message, socket, firstBytes));
    server.on('connect', (_message, socket) => refuseOn(socket, 'method-not-implemented'));
    this.#servers.push(server);
    this.#configureServer?.(server);
    return server;
  }

  protected override drain(_timeoutMs: number): void {
    this.#isDraining = true;
    for (const server of this.#servers) server.closeIdleConnections();
  }

  protected override destroyConnections(): Promise<void> {
    for (const server of this.#servers) server.closeAllConnections();
    for (const tunnel of this.#tunnels) tunnel.destroy();
    return Promise.resolve();
  }

  #serve(
    server: HttpServer,
    message: IncomingMessage,
    response: ServerResponse,
    expectsContinue: boolean,
  ): void {
    const head = readNodeHead(message, {
      limits: this.limits,
      request: this.request,
      connection: this.#infoOf(message.socket),
      isUpgrade: false,
      expectsContinue,
    });
    if (typeof head === 'string') {
      refuse(response, head);
      return;
    }
    // Others who listen to the server, set up by `configureServer`, get their messages as ever.
    const isOwn = server.listenerCount('request') === 1;
    if (head.bodyLength === 0 && isOwn) endEmptyMessage(message);
    new NodeExchange(this.#owner, head, message, response, isOwn).dispatch(this.#handler);
  }

  /** Also the answer of an application that does not upgrade goes out on this socket; then it is closed. */
  #upgrade(message: IncomingMessage, duplex: Duplex, firstBytes: Buffer): void {
    const socket = duplex as Socket;
    socket.on('error', () => socket.destroy());
    const { headers } = message;
    // RFC 9110 §7.8: an upgrade needs HTTP/1.1, and here no body, which Node has not read.
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
    if (hasBody) {
      refuseOn(socket, 'bad-framing');
      return;
    }
    const head = readNodeHead(message, {
      limits: this.limits,
      request: this.request,
      connection: this.#infoOf(socket),
      isUpgrade: message.httpVersionMinor > 0,
      expectsContinue: false,
    });
    if (typeof head === 'string') {
      refuseOn(socket, head);
      return;
    }
    const response = new ServerResponse(message);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    // The server of Node has let go of the socket: what it did for the response is done here.
    const onDrain = (): void => void response.emit('drain');
    socket.on('drain', onDrain);
    response.on('finish', () => {
      response.detachSocket(socket);
      socket.off('drain', onDrain);
      socket.destroySoon();
    });
    new NodeExchange(this.#owner, head, message, response, true, firstBytes).dispatch(this.#handler);
  }

  #infoOf(socket: Socket): ConnectionInfo {
    let info = this.#connections.get(socket);
    if (info === undefined) {
      info = connectionInfoOf(socket, 'encrypted' in socket);
      if (socket instanceof TLSSocket) info = { ...info, tls: tlsInfoOf(socket, undefined) };
      this.#connections.set(socket, info);
    }
    return info;
  }
}

function refuse(response: ServerResponse, reason: RefusalReason): void {
  const status = refusalStatus(reason);
  response.shouldKeepAlive = false;
  const fields = ['Content-Type', STATUS_PAGE_TYPE];
  if (reason === 'method-not-allowed') fields.push('Allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS');
  response.writeHead(status, fields);
  response.end(statusPage(status));
}

function refuseOn(socket: Duplex, reason: RefusalReason): void {
  socket.on('error', () => socket.destroy());
  socket.end(refusalResponse(reason, currentHttpDate()), 'latin1');
}
