import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { type ConnectorLimits, DEFAULT_CONNECTOR_LIMITS } from '#host/config/connector-limits.js';
import {
  type ClosingReason,
  type ConnectorObserver,
  type ExchangeResult,
  Http1Listener,
  type RefusalReason,
} from '#host/connector/http1-listener.js';
import { createPlainServer } from '#host/connector/plain-server.js';
import type { Waiver } from '#host/connector/waiver.js';
import type { Exchange, ExchangeHandler } from '#host/exchange/exchange.js';
import type { FieldBlock } from '#host/http/field-block.js';

/** A listening connector for a test, with everything it told its observer. */
export class TestServer {
  readonly listener: Http1Listener;
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
    waives: Waiver | undefined,
  ) {
    const observer: ConnectorObserver = {
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
    this.listener = new Http1Listener({
      limits: { ...DEFAULT_CONNECTOR_LIMITS, ...limits },
      handler,
      observer,
      waives,
    });
    this.server = createPlainServer((socket) => this.listener.attach(socket));
  }

  static async start(
    handler: ExchangeHandler,
    limits: Partial<ConnectorLimits> = {},
    waives?: Waiver,
  ): Promise<TestServer> {
    const server = new TestServer(handler, limits, waives);
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
    await this.listener.drain(deadlineMs);
    await closed;
  }
}

/** Answers with what it saw of the request, as JSON, when the body is complete; sends 100 when that is awaited. */
export function echo(exchange: Exchange): void {
  const { head } = exchange;
  const chunks: Buffer[] = [];
  const answer = (trailers: FieldBlock | undefined): void =>
    exchange.respond(
      200,
      ['Content-Type', 'application/json'],
      JSON.stringify({
        method: head.method,
        path: head.path,
        query: head.query,
        version: head.version,
        authority: head.authority,
        fields: head.fields.flat(),
        x: head.fields.get('x'),
        bodyLength: head.bodyLength,
        upgrade: head.upgrade ?? null,
        body: Buffer.concat(chunks).toString('latin1'),
        trailers: trailers?.flat(),
      }),
    );
  if (head.upgrade !== undefined) {
    answer(undefined);
    return;
  }
  exchange.listen({
    data(chunk) {
      chunks.push(chunk);
      exchange.consumed(chunk.length);
    },
    end: answer,
    drain: () => undefined,
    aborted: () => undefined,
  });
  if (head.expectsContinue) exchange.interim(100, []);
}
