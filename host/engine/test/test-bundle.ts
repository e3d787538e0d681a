import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Application } from '../../application/application.js';
import type { ApplicationCall } from '../../application/application-call.js';
import { ObjectConfig } from '../../application/application-config.js';
import { LIFECYCLE_EVENTS } from '../../application/application-events.js';
import { type EventDefinition, type EventHandler, Events } from '../../application/events.js';
import { ConsoleLog, type Log } from '../../application/log.js';
import { parseContextName, parseContextPath, splitFileName } from '../../bundle/context-name.js';
import type { Manifest } from '../../bundle/manifest.js';
import { PorticoError } from '../../errors.js';
import { AbortReason, type Exchange } from '../../exchange/exchange.js';
import { startupSettings } from '../modules/configured-modules.js';
import { ServletApplicationEngine } from '../servlet/servlet-application-engine.js';
import { type LoadedBundle, loadBundle } from './loaded-bundle.js';
import { enterContext, type MountedContext } from './mounted-context.js';
import { rethrow } from './rethrow.js';
import { TestClient } from './test-client.js';

/** How a bundle is mounted in memory. */
export interface TestBundleOptions {
  /** Default: that of the operator's descriptor, else by the name of the bundle, as the container does it. */
  readonly contextPath?: string;
  /** The operator's descriptor. Default `NAME.yaml` beside the bundle, where there is one; false: none. */
  readonly operatorDescriptor?: string | false;
  /** Default: silent. */
  readonly log?: Log;
  /** Errors of handlers that would be a 500 reject the request of the test instead. Default true. */
  readonly rethrowErrors?: boolean;
}

/** One load of the bundle, serving. */
interface Generation {
  readonly bundle: LoadedBundle;
  readonly engine: ServletApplicationEngine;
  readonly context: MountedContext;
}

/**
 * A real bundle, mounted in memory: manifest, configuration and modules as the container reads them, the servlet engine,
 * the container's rules for paths. Owned by the test, which stops it.
 *
 * ```ts
 * const bundle = await testBundle('apps/guestbook', { contextPath: '/shop' });
 * expect((await bundle.client.get('/shop/api/entries')).status).toBe(200);
 * await bundle.reload();
 * await bundle.stop();
 * ```
 *
 * In memory means in this process: `env` of the settings, limits of memory and the number of instances have no effect.
 */
export class TestBundle {
  /** Sends requests with paths as clients name them: `/shop/items`. */
  readonly client: TestClient = new TestClient((exchange) => this.#serve(exchange));
  /** Names of the events of the application in order, over all reloads: `ApplicationStarting`, … */
  readonly events: string[] = [];
  readonly #path: string;
  readonly #options: TestBundleOptions;
  readonly #subscriptions: ((monitor: Events) => void)[] = [];
  #current: Generation | undefined;
  #changing: Promise<void> = Promise.resolve();

  /** For `testBundle`. */
  constructor(path: string, options: TestBundleOptions) {
    this.#path = resolve(path);
    this.#options = options;
  }

  /** `''` for the root context, `/shop` otherwise. */
  get contextPath(): string {
    return this.#running.context.path;
  }

  /** The application that serves now; another one behind each reload. */
  get application(): Application {
    return this.#running.engine.application;
  }

  get manifest(): Manifest {
    return this.#running.bundle.manifest;
  }

  /** Hears an event of every application from the next reload on. */
  subscribe<Payload>(event: EventDefinition<Payload>, handler: EventHandler<Payload>): void {
    this.#subscriptions.push((monitor) => void monitor.subscribe(event, handler));
  }

  /**
   * Reads the bundle anew, whether it has changed or not, with all its files; starts it, lets requests go there, stops
   * the old one. Rejects when the new one does not start: the old one serves on then.
   */
  reload(): Promise<void> {
    return this.#change(async () => {
      const old = this.#current;
      this.#current = await this.#load();
      await end(old);
    });
  }

  /** Stops the application and removes its files. Twice is harmless. */
  stop(): Promise<void> {
    return this.#change(async () => {
      const old = this.#current;
      this.#current = undefined;
      await end(old);
    });
  }

  get #running(): Generation {
    if (this.#current !== undefined) return this.#current;
    throw new PorticoError('PORTICO_TEST_STATE', 'The bundle under test is stopped. Mount it again.');
  }

  /** One after the other. */
  #change(action: () => Promise<void>): Promise<void> {
    const change = this.#changing.then(action);
    this.#changing = change.catch(() => undefined);
    return change;
  }

  async #load(): Promise<Generation> {
    const bundle = await loadBundle(this.#path, this.#operatorDescriptor());
    const { manifest, modules } = bundle;
    try {
      const path = this.#contextPathOf(manifest);
      const config = new ObjectConfig(manifest.config, manifest.configOrigins);
      const { startup, startTimeoutMs } = startupSettings(config);
      const engine = new TestServletEngine(
        {
          environment: {
            config,
            log: this.#options.log ?? new ConsoleLog('silent'),
            monitor: this.#monitor(),
          },
          contextPath: path,
          prefix: manifest.settings.prefix,
          modules,
          startup,
          startTimeoutMs: Math.min(
            startTimeoutMs ?? Number.POSITIVE_INFINITY,
            manifest.settings.startTimeoutMs,
          ),
        },
        this.#options.rethrowErrors ?? true,
      );
      await engine.start();
      const { prefix, maxBodyBytes } = manifest.settings;
      return { bundle, engine, context: { path, isStripped: prefix === 'strip', maxBodyBytes } };
    } catch (error) {
      await bundle.remove();
      throw error;
    }
  }

  #monitor(): Events {
    const monitor = new Events();
    for (const event of LIFECYCLE_EVENTS)
      monitor.subscribe(event, () => {
        this.events.push(event.name);
      });
    for (const subscribe of this.#subscriptions) subscribe(monitor);
    return monitor;
  }

  #operatorDescriptor(): string | undefined {
    const { operatorDescriptor } = this.#options;
    if (operatorDescriptor === false) return undefined;
    if (operatorDescriptor !== undefined) return resolve(operatorDescriptor);
    const beside = join(dirname(this.#path), `${this.#name}.yaml`);
    return existsSync(beside) ? beside : undefined;
  }

  get #name(): string {
    return splitFileName(basename(this.#path)).baseName;
  }

  #contextPathOf(manifest: Manifest): string {
    const { contextPath } = this.#options;
    if (contextPath === undefined && manifest.contextPath !== undefined) return manifest.contextPath;
    const named = contextPath === undefined ? parseContextName(this.#name) : parseContextPath(contextPath);
    if (!named.ok)
      throw new PorticoError('PORTICO_TEST_BUNDLE', `The bundle cannot be mounted: ${named.reason}.`);
    return 'value' in named ? named.value.contextPath : named.contextPath;
  }

  #serve(exchange: Exchange): void {
    const current = this.#current;
    if (current === undefined) exchange.abort(AbortReason.REFUSED);
    else if (enterContext(exchange, current.context)) current.engine.handle(exchange);
  }
}

/** Mounts a bundle, a folder or an archive, and starts it. Rejects with the error that the container would report. */
export async function testBundle(path: string, options: TestBundleOptions = {}): Promise<TestBundle> {
  const bundle = new TestBundle(path, options);
  await bundle.reload();
  return bundle;
}

class TestServletEngine extends ServletApplicationEngine {
  readonly #rethrowErrors: boolean;

  constructor(settings: ConstructorParameters<typeof ServletApplicationEngine>[0], rethrowErrors: boolean) {
    super(settings);
    this.#rethrowErrors = rethrowErrors;
  }

  protected override callFailed(call: ApplicationCall, status: number, error: unknown): void {
    if (this.#rethrowErrors) rethrow(call.exchange, status, error);
  }
}

async function end(generation: Generation | undefined): Promise<void> {
  await generation?.engine.stop();
  await generation?.bundle.remove();
}
