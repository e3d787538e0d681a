import type { AddressInfo, Server } from 'node:net';
import { type ConnectorLimits, DEFAULT_CONNECTOR_LIMITS } from '../../config/connector-limits.js';
import { Http1Listener } from '../../connector/http1-listener.js';
import { createHttp1Server } from '../../connector/http1-server.js';
import { messageOf } from '../../errors.js';
import { listenError } from '../../listen-error.js';
import type { EngineConnector } from '../application-engine.js';
import { BaseEngine, type EngineSettings } from '../base-engine.js';

/** Where and how the engine accepts connections. */
export interface CioSettings extends EngineSettings {
  /** Default `0.0.0.0`. */
  readonly host?: string | undefined;
  /** Default 80; 0 picks a free one. */
  readonly port?: number | undefined;
  /** What differs from the default limits. */
  readonly limits?: Partial<ConnectorLimits> | undefined;
}

/**
 * The engine of an application on its own: our connector on one listening socket, in the process of the application.
 * Owns socket and connections from `start` to `stop`.
 */
export class CioApplicationEngine extends BaseEngine {
  readonly #host: string;
  readonly #port: number;
  readonly #listener: Http1Listener;
  readonly #server: Server;
  #drained: Promise<void> = Promise.resolve();

  constructor(settings: CioSettings) {
    super(settings);
    this.#host = settings.host ?? '0.0.0.0';
    this.#port = settings.port ?? 80;
    const { log } = this.environment;
    this.#listener = new Http1Listener({
      limits: { ...DEFAULT_CONNECTOR_LIMITS, ...settings.limits },
      handler: (exchange) => this.accept(exchange),
      observer: {
        handlerFailed: (_exchange, error) =>
          log.error(`A response could not be sent: ${messageOf(error)}`, error),
      },
    });
    this.#server = createHttp1Server(this.#listener);
  }

  /** Rejects with `PORTICO_PORT_IN_USE` and the other codes of `listenError`. */
  protected override open(): Promise<void> {
    return new Promise((resolve, reject) => {
      const onError = (cause: NodeJS.ErrnoException): void =>
        reject(
          listenError('The engine', 'port', this.#host, this.#port, cause.code ?? cause.message, { cause }),
        );
      this.#server.once('error', onError);
      this.#server.listen(this.#port, this.#host, () => {
        this.#server.off('error', onError);
        for (const { scheme, host, port } of this.connectors())
          this.environment.log.info(
            `Responding at ${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`,
          );
        resolve();
      });
    });
  }

  protected override close(graceMs: number): Promise<void> {
    this.#server.close();
    this.#drained = this.#listener.drain(graceMs);
    return Promise.resolve();
  }

  protected override cut(): Promise<void> {
    return this.#drained;
  }

  protected override connectors(): readonly EngineConnector[] {
    const address = this.#server.address() as AddressInfo | null;
    return address === null ? [] : [{ scheme: 'http', host: this.#host, port: address.port }];
  }
}
