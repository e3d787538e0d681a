import { createServer, type Server as HttpServer } from 'node:http';
import type { Server as NetServer } from 'node:net';
import { describeExports } from '../engine/modules/exported-value.js';
import { type LoadedFile, loadFile } from '../engine/modules/load-file.js';
import { describeThrown } from '../engine/modules/thrown.js';
import { AbortReason, type Exchange } from '../exchange/exchange.js';
import { type ApplicationShape, findApplication } from './application-shape.js';
import { BootFailure, type BootProgress } from './boot-failure.js';
import { ListenCapture } from './listen-capture.js';
import type { ApplicationKind, BootPlan } from './messages.js';
import type { RequestMount } from './request-text.js';
import type { RunningApplication } from './running-application.js';
import { VirtualConnections } from './virtual-connections.js';

/**
 * Starts any Node server, unchanged: loads the entry, finds the application among its exports or waits for the HTTP
 * server that the program starts itself, and gives it virtual connections. Resolves when it can answer.
 *
 * A server that listens wins over an export, also later if it serves the same function: a program that exports its app
 * for its tests and listens after it has connected to its database is served by its own server from then on, with its
 * upgrade listeners. A server of another kind that it starts later, for its metrics, takes nothing away.
 */
export async function startServerApplication(
  plan: BootPlan,
  main: string,
  progress: BootProgress,
): Promise<RunningApplication> {
  const mount: RequestMount = { contextPath: plan.contextPath, isStripped: plan.prefix === 'strip' };
  const application = new ServerApplication(mount);
  const capture = new ListenCapture((server) => application.use(server));
  capture.install();

  progress.waitsFor(neverLoaded(main));
  const loaded = loadFile(plan.folder, main, true);
  const file = await Promise.race([loaded, application.listening]);
  if (file === undefined) {
    application.kind = 'program';
    // It listens before it is loaded to the end. An error from here on is one of a running program.
    loaded.catch((failure: Error) => process.nextTick(rethrow, failure.cause ?? failure));
    return application;
  }
  progress.waitsFor(neverReady(file));
  const shape = await exportedApplication(file);
  if (application.isListening) {
    application.kind = 'program';
  } else if (shape === undefined) {
    progress.waitsFor(nothingToServe(file));
    await application.listening;
    application.kind = 'program';
  } else if (shape.kind === 'server') {
    application.beforeClose = shape.close;
    capture.adopt(shape.server);
  } else {
    capture.lend(await serverFor(shape, main), shape.kind === 'listener' ? shape.exported : undefined);
  }
  return application;
}

/** One program or exported server, and the connections into it. Stopped once, by the agent. */
class ServerApplication implements RunningApplication {
  kind: ApplicationKind = 'server';
  /** Resolves, one turn of the event loop later, when the first server listens. */
  readonly listening: Promise<undefined>;
  beforeClose: (() => unknown) | undefined;
  readonly #mount: RequestMount;
  #server: NetServer | undefined;
  #connections: VirtualConnections | undefined;
  #isStopping = false;
  #listened: () => void = () => undefined;
  #closed: () => void = () => undefined;

  constructor(mount: RequestMount) {
    this.#mount = mount;
    this.listening = new Promise((resolve) => {
      this.#listened = () => setImmediate(resolve, undefined);
    });
  }

  get isListening(): boolean {
    return this.#server !== undefined;
  }

  readonly handle = (exchange: Exchange): void => {
    if (this.#connections === undefined) exchange.abort(AbortReason.REFUSED);
    else this.#connections.handle(exchange);
  };

  /** Sends new exchanges to `server`; what is in flight elsewhere ends there. */
  use(server: NetServer): void {
    if (server === this.#server) return;
    this.#connections?.close();
    this.#connections = new VirtualConnections(server, this.#mount);
    this.#server = server;
    server.on('close', () => {
      if (this.#server === server && !this.#isStopping && !server.listening) this.#closed();
    });
    this.#listened();
  }

  onClosed(listener: () => void): void {
    this.#closed = listener;
  }

  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#connections?.close();
    const deadline = new Promise<void>((resolve) => {
      setTimeout(resolve, graceMs).unref();
    });
    if (process.listenerCount('SIGTERM') > 0) {
      // The program has its own way to end: it exits, or closes what it has open until the process runs out of work.
      process.emit('SIGTERM', 'SIGTERM');
      await deadline;
    } else {
      await Promise.race([this.#close(this.#server as NetServer), deadline]);
    }
    this.#connections?.destroy();
  }

  async #close(server: NetServer): Promise<void> {
    try {
      await this.beforeClose?.();
    } catch (thrown) {
      console.error('The application failed while it was closed: %s', describeThrown(thrown));
    }
    if (!server.listening) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      (server as HttpServer).closeIdleConnections?.();
    });
  }
}

async function exportedApplication(file: LoadedFile): Promise<ApplicationShape | undefined> {
  try {
    return await findApplication(file.exports);
  } catch (cause) {
    throw new BootFailure(
      'start',
      'PORTICO_APPLICATION_FAILED',
      `The application exported by ${file.name} failed to start: ${describeThrown(cause)}`,
      { cause },
    );
  }
}

async function serverFor(
  shape: Exclude<ApplicationShape, { readonly kind: 'server' }>,
  main: string,
): Promise<NetServer> {
  const listener =
    shape.kind === 'listener'
      ? shape.listener
      : await (await import('./fetch-listener.js')).fetchListener(shape.fetch, main);
  // Timeouts are limits of the connector, which has checked them before.
  return createServer({ keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 }, listener);
}

function neverLoaded(main: string): BootFailure {
  return new BootFailure(
    'load',
    'PORTICO_NEVER_LOADED',
    `${main} does not finish loading. A top-level await waits for something that does not come.`,
  );
}

function neverReady(file: LoadedFile): BootFailure {
  return new BootFailure(
    'start',
    'PORTICO_NEVER_READY',
    `The application exported by ${file.name} does not get ready. Its promise, or its ready(), does not resolve.`,
  );
}

function nothingToServe(file: LoadedFile): BootFailure {
  return new BootFailure(
    'configure',
    'PORTICO_NOTHING_TO_SERVE',
    `${file.name} exports ${describeExports(file.exports)}, and no HTTP server listens. Export a (req, res) function, an Express, Koa, Fastify or Hono app, an object with fetch(request) or an http.Server as default export, app, server, handler or fetch; or call listen().`,
  );
}

function rethrow(thrown: unknown): never {
  throw thrown;
}
