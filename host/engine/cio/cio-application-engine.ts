import type { Server } from 'node:net';
import {
  DEFAULT_HTTP2_SETTINGS,
  type Http2Settings,
  headerListBytesFor,
} from '../../config/http2-settings.js';
import { Connector } from '../../connector/connector.js';
import { DescriptorGuard } from '../../connector/descriptor-guard.js';
import { createPlainServer } from '../../connector/plain-server.js';
import { waiverOf } from '../../connector/waiver.js';
import { messageOf } from '../../errors.js';
import type { CompleteConnector } from '../connector-settings.js';
import { SelfContainedEngine, type SelfContainedSettings } from '../self-contained-engine.js';

/** The engine of an application on its own: our connector on its listening sockets, in the process of the application. */
export class CioApplicationEngine extends SelfContainedEngine {
  readonly #connectors: Connector[] = [];
  readonly #http2: Http2Settings | undefined;
  readonly #hasH2c: boolean;
  /** Made with the first connector; an application knows no log before. */
  #descriptors: DescriptorGuard | undefined;
  #drained: Promise<unknown> = Promise.resolve();

  constructor(settings: SelfContainedSettings) {
    super(settings);
    const maxHeaderListBytes = headerListBytesFor(this.limits.maxHeaderBytes);
    if (settings.enableHttp2 !== false) this.#http2 = { ...DEFAULT_HTTP2_SETTINGS, maxHeaderListBytes };
    this.#hasH2c = settings.enableH2c === true;
  }

  protected override createServer({ tls }: CompleteConnector): Server {
    const { log } = this.environment;
    // With TLS, client and connector agree on it; without, nobody has said that the client may speak it.
    const http2 = tls !== undefined || this.#hasH2c ? this.#http2 : undefined;
    this.#descriptors ??= DescriptorGuard.ofProcess((message) => log.warn(message));
    const connector = new Connector({
      settings: { limits: this.limits, ...(http2 && { http2 }) },
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
