import type { Server } from 'node:net';
import { DEFAULT_HTTP2_SETTINGS } from '../../config/http2-settings.js';
import { Connector } from '../../connector/connector.js';
import { DescriptorGuard } from '../../connector/descriptor-guard.js';
import { createPlainServer } from '../../connector/plain-server.js';
import { waiverOf } from '../../connector/waiver.js';
import { messageOf } from '../../errors.js';
import type { CompleteConnector } from '../connector-settings.js';
import { SelfContainedEngine } from '../self-contained-engine.js';

/** The engine of an application on its own: our connector on its listening sockets, in the process of the application. */
export class CioApplicationEngine extends SelfContainedEngine {
  readonly #connectors: Connector[] = [];
  /** Made with the first connector; an application knows no log before. */
  #descriptors: DescriptorGuard | undefined;
  #drained: Promise<unknown> = Promise.resolve();

  protected override createServer({ tls }: CompleteConnector): Server {
    const { log } = this.environment;
    this.#descriptors ??= DescriptorGuard.ofProcess((message) => log.warn(message));
    const connector = new Connector({
      // With TLS, client and connector agree on it; without, nobody has said that the client may speak it.
      settings: { limits: this.limits, ...(tls !== undefined && { http2: DEFAULT_HTTP2_SETTINGS }) },
      handler: (exchange) => this.accept(exchange),
      descriptors: this.#descriptors,
      waives: waiverOf(this.request),
      observer: {
        handlerFailed: (_exchange, error) =>
          log.error(`A response could not be sent: ${messageOf(error)}`, error),
      },
      ...(tls !== undefined && { engineTls: { options: tls } }),
    });
    this.#connectors.push(connector);
    return createPlainServer((socket) => connector.accept(socket));
  }

  protected override drain(timeoutMs: number): void {
    this.#drained = Promise.all(this.#connectors.map((connector) => connector.drain(timeoutMs)));
  }

  protected override async destroyConnections(): Promise<void> {
    await this.#drained;
  }
}
