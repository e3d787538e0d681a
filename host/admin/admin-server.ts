import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import { listenError } from '../listen-error.js';
import type { AdminAppOptions } from './admin-app.js';

/** What the admin connector is made with. */
export interface AdminServerOptions extends AdminAppOptions {
  /** Address to listen on; loopback by default of the configuration. */
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
}

/** Requests get this long to finish when the server stops. */
const STOP_MS = 1000;

/**
 * The admin connector: Express on a node:http server of its own, apart from all user traffic. Owned by the server.
 * Express is loaded for the first request: the start of the host does not wait for it.
 */
export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #lifecycle = new Lifecycle('admin server');
  readonly #http: Server;
  #app: Promise<RequestListener> | undefined;

  constructor(options: AdminServerOptions) {
    this.#options = options;
    this.#http = createServer(
      { headersTimeout: 10_000, requestTimeout: 30_000, maxHeaderSize: 16 * 1024 },
      (request, response) => {
        this.#app ??= loadApp(options);
        this.#app.then(
          (app) => app(request, response),
          (error: unknown) => {
            options.log.error({ err: error }, 'the admin API could not be loaded');
            response.writeHead(500).end();
          },
        );
      },
    );
    this.#http.maxConnections = 200;
  }

  /** Resolves with the real address. Rejects with `PORTICO_PORT_IN_USE` and the other codes of `listenError`. */
  async start(): Promise<{ readonly host: string; readonly port: number }> {
    this.#lifecycle.apply('start');
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', (cause: NodeJS.ErrnoException) => {
        this.#lifecycle.apply('fail');
        reject(listenError('The admin API', 'admin', host, port, cause.code ?? cause.message, { cause }));
      });
      this.#http.listen({ host, port, exclusive: true }, resolve);
    });
    this.#lifecycle.apply('finish starting');
    return { host, port: (this.#http.address() as AddressInfo).port };
  }

  /** Finishes what is being answered, then closes; cuts after a second. Harmless when called twice. */
  async stop(): Promise<void> {
    if (this.#lifecycle.isEnding) return;
    this.#lifecycle.apply('stop');
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#http.closeAllConnections(), STOP_MS);
      this.#http.close(() => {
        clearTimeout(timer);
        resolve();
      });
      this.#http.closeIdleConnections();
    });
    this.#lifecycle.apply('finish stopping');
  }
}

async function loadApp(options: AdminAppOptions): Promise<RequestListener> {
  const { adminApp } = await import('./admin-app.js');
  return adminApp(options);
}
