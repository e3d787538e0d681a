import type { Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { Http1Listener } from '../../connector/http1-listener.js';
import { createHttp1Server } from '../../connector/http1-server.js';
import { waiverOf } from '../../connector/waiver.js';
import { messageOf } from '../../errors.js';
import type { CompleteConnector } from '../connector-settings.js';
import { SelfContainedEngine } from '../self-contained-engine.js';

/** The engine of an application on its own: our connector on its listening sockets, in the process of the application. */
export class CioApplicationEngine extends SelfContainedEngine {
  readonly #listeners: Http1Listener[] = [];
  #drained: Promise<unknown> = Promise.resolve();

  protected override createServer({ tls }: CompleteConnector): Server {
    const { log } = this.environment;
    const listener = new Http1Listener({
      limits: this.limits,
      handler: (exchange) => this.accept(exchange),
      isSecure: tls !== undefined,
      waives: waiverOf(this.request),
      observer: {
        handlerFailed: (_exchange, error) =>
          log.error(`A response could not be sent: ${messageOf(error)}`, error),
      },
    });
    this.#listeners.push(listener);
    if (tls === undefined) return createHttp1Server(listener);
    const server = createTlsServer({ ALPNProtocols: ['http/1.1'], ...tls }, (socket) =>
      listener.attach(socket),
    );
    // A client that fails in the handshake is no concern of the application.
    return server.on('tlsClientError', (error) => log.debug(`A TLS handshake failed: ${messageOf(error)}`));
  }

  protected override drain(timeoutMs: number): void {
    this.#drained = Promise.all(this.#listeners.map((listener) => listener.drain(timeoutMs)));
  }

  protected override async destroyConnections(): Promise<void> {
    await this.#drained;
  }
}
