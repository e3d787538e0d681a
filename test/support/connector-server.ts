import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { type ConnectorLimits, DEFAULT_CONNECTOR_LIMITS } from '#host/config/connector-limits.js';
import type { ConnectorSettings } from '#host/config/connector-settings.js';
import { DEFAULT_HTTP2_SETTINGS, type Http2Settings } from '#host/config/http2-settings.js';
import { Connector, type ConnectorOptions } from '#host/connector/connector.js';
import type {
  ClosingReason,
  ConnectorObserver,
  ExchangeResult,
  RefusalReason,
} from '#host/connector/http1-listener.js';
import { createPlainServer } from '#host/connector/plain-server.js';
import type { ExchangeHandler } from '#host/exchange/exchange.js';
import type { TlsSettings } from '#host/tls/tls-settings.js';
import { TLS_DEFAULTS } from '#test/support/tls-connector.js';

/** What a test may want of a connector, apart from limits. */
export interface TestServerOptions
  extends Pick<ConnectorSettings, 'transportSecurity' | 'forwarding'>,
    Pick<ConnectorOptions, 'waives' | 'descriptors'> {
  /** What differs from the defaults; without it, HTTP/1.1 only. */
  readonly http2?: Partial<Http2Settings> | undefined;
  readonly tls?: (Partial<TlsSettings> & Pick<TlsSettings, 'certificates'>) | undefined;
}

/** A listening connector for a test, with everything it told its observer. */
export class TestServer {
  readonly connector: Connector;
  readonly refusals: [RefusalReason, number][] = [];
  /** What had arrived of each request that was refused before it became an exchange, and bytes of the answer. */
  readonly refusedRequests: [head: string, bytesOut: number][] = [];
  readonly closings: ClosingReason[] = [];
  readonly results: ExchangeResult[] = [];
  readonly failures: unknown[] = [];
  /** Ports of the clients that were refused something. */
  readonly refusedPorts = new Set<number>();
  opened = 0;
  closed = 0;
  private readonly server: Server;

  private constructor(
    handler: ExchangeHandler,
    limits: Partial<ConnectorLimits>,
    { http2, tls, transportSecurity, forwarding, ...options }: TestServerOptions,
  ) {
    this.connector = new Connector({
      settings: {
        limits: { ...DEFAULT_CONNECTOR_LIMITS, ...limits },
        ...(http2 && { http2: { ...DEFAULT_HTTP2_SETTINGS, ...http2 } }),
        ...(tls && { tls: { ...TLS_DEFAULTS, ...tls } }),
        ...(transportSecurity !== undefined && { transportSecurity }),
        ...(forwarding && { forwarding }),
      },
      handler,
      observer: this.observer(),
      ...options,
    });
    this.server = createPlainServer((socket) => this.connector.accept(socket));
  }

  static async start(
    handler: ExchangeHandler,
    limits: Partial<ConnectorLimits> = {},
    options: TestServerOptions = {},
  ): Promise<TestServer> {
    const server = new TestServer(handler, limits, options);
    server.server.listen(0, '127.0.0.1');
    await once(server.server, 'listening');
    return server;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get openConnections(): number {
    return this.connector.openConnections;
  }

  /** Why something was refused, in order. */
  get reasons(): RefusalReason[] {
    return this.refusals.map(([reason]) => reason);
  }

  async stop(deadlineMs = 0): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    await this.connector.drain(deadlineMs);
    await closed;
  }

  private observer(): ConnectorObserver {
    return {
      connectionOpened: () => this.opened++,
      connectionClosed: () => this.closed++,
      finished: (_exchange, result) => this.results.push(result),
      refused: (reason, status, connection, request) => {
        this.refusedPorts.add(connection.remotePort);
        this.refusals.push([reason, status]);
        if (request === undefined) return;
        this.refusedRequests.push([Buffer.from(request.head).toString('latin1'), request.bytesOut]);
      },
      closedByLimit: (reason) => this.closings.push(reason),
      handlerFailed: (_exchange, error) => this.failures.push(error),
    };
  }
}
