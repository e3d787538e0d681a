import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { type ConnectorLimits, DEFAULT_CONNECTOR_LIMITS } from '#host/config/connector-limits.js';
import { DEFAULT_HTTP2_SETTINGS, type Http2Settings } from '#host/config/http2-settings.js';
import { Connector } from '#host/connector/connector.js';
import type {
  ClosingReason,
  ConnectorObserver,
  ExchangeResult,
  RefusalReason,
} from '#host/connector/http1-listener.js';
import type { ExchangeHandler } from '#host/exchange/exchange.js';

/** A listening connector that speaks HTTP/1.1 and HTTP/2 without TLS, with everything it told its observer. */
export class Http2TestServer {
  readonly connector: Connector;
  readonly refusals: [RefusalReason, number][] = [];
  readonly refusedRequests: string[] = [];
  readonly closings: ClosingReason[] = [];
  readonly results: ExchangeResult[] = [];
  readonly failures: unknown[] = [];
  opened = 0;
  closed = 0;
  private readonly server: Server;

  private constructor(
    handler: ExchangeHandler,
    limits: Partial<ConnectorLimits>,
    http2: Partial<Http2Settings>,
  ) {
    const observer: ConnectorObserver = {
      connectionOpened: () => this.opened++,
      connectionClosed: () => this.closed++,
      finished: (_exchange, result) => this.results.push(result),
      refused: (reason, status, _connection, request) => {
        this.refusals.push([reason, status]);
        if (request !== undefined) this.refusedRequests.push(Buffer.from(request.head).toString('latin1'));
      },
      closedByLimit: (reason) => this.closings.push(reason),
      handlerFailed: (_exchange, error) => this.failures.push(error),
    };
    this.connector = new Connector({
      settings: {
        limits: { ...DEFAULT_CONNECTOR_LIMITS, ...limits },
        http2: { ...DEFAULT_HTTP2_SETTINGS, ...http2 },
      },
      handler,
      observer,
    });
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.connector.accept(socket),
    );
  }

  static async start(
    handler: ExchangeHandler,
    limits: Partial<ConnectorLimits> = {},
    http2: Partial<Http2Settings> = {},
  ): Promise<Http2TestServer> {
    const server = new Http2TestServer(handler, limits, http2);
    server.server.listen(0, '127.0.0.1');
    await once(server.server, 'listening');
    return server;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async stop(deadlineMs = 0): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    await this.connector.drain(deadlineMs);
    await closed;
  }
}
