import type { Application, Module } from '../../application/application.js';
import { applicationEnvironment, type EnvironmentSettings } from '../../application/environment.js';
import { Events } from '../../application/events.js';
import { ConsoleLog } from '../../application/log.js';
import type { Plugin } from '../../application/plugin.js';
import { PorticoError } from '../../errors.js';
import { AbortReason, type ExchangeHandler } from '../../exchange/exchange.js';
import type { Route } from '../../routing/route.js';
import { routing } from '../../routing/routing-root.js';
import type { EngineConnector } from '../application-engine.js';
import { ExternalServices } from './external-services.js';
import { TestApplicationEngine } from './test-application-engine.js';
import { TestClient, type TestClientOptions, type TestNetwork } from './test-client.js';
import { testEngineSettings } from './test-engine-settings.js';
import type { TestFetch } from './test-fetch.js';
import { originOf } from './test-target.js';

/**
 * An application under test that a test, or several, put together: modules, environment, the services it calls. Started
 * by the first request or by `start`, with all its events; from then on it cannot be changed any more
 * (`PORTICO_TEST_STARTED`). Owned by who made it, who calls `stop`.
 *
 * ```ts
 * const shop = new TestApplication((t) => t.application(shopModule));
 * afterAll(() => shop.stop());
 * it('lists items', async () => expect((await shop.client.get('/items')).status).toBe(200));
 * ```
 *
 * The environment is that of a test until `environment` says otherwise: `portico.deployment.environment` is `test`,
 * development mode, silent log. Modules that its configuration names run before those that were added.
 */
export class TestApplication {
  /** What happens to the application; may be subscribed to before it is started. */
  readonly monitor: Events = new Events();
  /**
   * Errors of handlers that would be a 500 reject the request of the test instead. Default true, or the setting
   * `portico.test.throwOnException`.
   */
  rethrowErrors: boolean | undefined;
  /** Where the modules that the configuration names start from; default the working directory. */
  folder: string | undefined;
  /** Sends requests to the application, to its external services, and nowhere else. */
  readonly client: TestClient;
  readonly #modules: Module[] = [];
  #environment: EnvironmentSettings = {};
  #connectors: readonly EngineConnector[] = DEFAULT_CONNECTORS;
  readonly #services = new ExternalServices();
  #engine: TestApplicationEngine | undefined;
  #starting: Promise<TestApplicationEngine> | undefined;
  #isStopped = false;

  constructor(configure?: (t: TestApplication) => void) {
    this.client = new TestClient(
      (exchange) => {
        if (this.#engine === undefined) exchange.abort(AbortReason.REFUSED);
        else this.#engine.handle(exchange);
      },
      {},
      (target) => this.#network(target),
    );
    configure?.(this);
  }

  /** Adds a module; modules run in the order they were added. */
  application(module: Module): this {
    this.#checkOpen('application');
    this.#modules.push(module);
    return this;
  }

  /** Installs a plugin, as a module of its own. */
  install<Config, Instance>(
    plugin: Plugin<Application, Config, Instance>,
    configure?: (config: Config) => void,
  ): this {
    return this.application((application) => {
      application.install(plugin, configure);
    });
  }

  /** Adds routes, as a module of its own. */
  routing(configure: (route: Route<unknown>) => void): this {
    return this.application((application) => {
      routing(application, configure);
    });
  }

  /** Says what surrounds the application; a later use replaces what it names. */
  environment(settings: Omit<EnvironmentSettings, 'monitor'>): this {
    this.#checkOpen('environment');
    this.#environment = { ...this.#environment, ...settings };
    return this;
  }

  /** Where the application is reached. Default `http://localhost` and `https://localhost`. */
  connectors(connectors: readonly EngineConnector[]): this {
    this.#checkOpen('connectors');
    this.#connectors = connectors;
    return this;
  }

  /** Puts other services into the network of the test; see `fetch` for how the application gets there. */
  externalServices(configure: (services: ExternalServices) => void): this {
    this.#checkOpen('externalServices');
    configure(this.#services);
    return this;
  }

  /** A client of its own: with cookies, redirects, and what else the options say. */
  createClient(options: TestClientOptions): TestClient {
    return this.client.with(options);
  }

  /** The network of the test as a `fetch`, for an application that is told how to reach other services. */
  get fetch(): TestFetch {
    return this.client.fetch;
  }

  /** The application; only while it is started (`PORTICO_TEST_STATE`). */
  get engine(): TestApplicationEngine {
    if (this.#engine !== undefined && !this.#isStopped) return this.#engine;
    throw new PorticoError(
      'PORTICO_TEST_STATE',
      `The application under test is ${this.#isStopped ? 'stopped' : 'not started'}. Await start(), or send a request first.`,
    );
  }

  /** Starts the application; a second time waits for the first. Rejects with what a module threw. */
  start(): Promise<TestApplicationEngine> {
    if (this.#isStopped)
      return Promise.reject(
        new PorticoError(
          'PORTICO_TEST_STATE',
          'The application under test is stopped and cannot be started again. Make a new one.',
        ),
      );
    this.#starting ??= this.#start();
    return this.#starting;
  }

  /** Stops the application and its services, if they were started. Twice is harmless. */
  async stop(graceMs?: number, timeoutMs?: number): Promise<void> {
    this.#isStopped = true;
    // A start that has failed was told to who waited for it.
    const engine = await this.#starting?.catch(() => undefined);
    await engine?.stop(graceMs, timeoutMs);
    await this.#services.stop();
  }

  async #start(): Promise<TestApplicationEngine> {
    const environment = applicationEnvironment({
      log: new ConsoleLog('silent'),
      config: { portico: { deployment: { environment: 'test' } } },
      developmentMode: true,
      ...this.#environment,
      monitor: this.monitor,
    });
    const setting = environment.config.propertyOrNull('portico.test.throwOnException');
    const engine = new TestApplicationEngine({
      ...testEngineSettings(environment, this.#modules, this.folder),
      rethrowErrors: this.rethrowErrors ?? setting?.getString() !== 'false',
      connectors: this.#connectors,
    });
    await engine.start();
    this.#engine = engine;
    return engine;
  }

  #network(target: Parameters<TestNetwork>[0]): ExchangeHandler | Promise<ExchangeHandler> {
    const origin = originOf(target);
    const service = this.#services.find(origin);
    if (service !== undefined) return service.start().then((engine) => engine.handle);
    if (this.#connectors.some((connector) => originOf(connector) === origin))
      return this.#engine?.handle ?? this.start().then((engine) => engine.handle);
    throw new PorticoError(
      'PORTICO_TEST_UNKNOWN_HOST',
      `${origin} is neither the application (${this.#connectors.map(originOf).join(', ')}) nor one of its external ` +
        `services (${this.#services.origins.join(', ') || 'there are none'}). Add it with externalServices or connectors.`,
    );
  }

  #checkOpen(verb: string): void {
    if (this.#starting === undefined && !this.#isStopped) return;
    throw new PorticoError(
      'PORTICO_TEST_STARTED',
      `${verb} was called, but the application under test is already started. Put it together before the first request.`,
    );
  }
}

const DEFAULT_CONNECTORS: readonly EngineConnector[] = [
  { scheme: 'http', host: 'localhost', port: 80 },
  { scheme: 'https', host: 'localhost', port: 443 },
];
