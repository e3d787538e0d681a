import type { Module } from '../../application/application.js';
import { applicationEnvironment } from '../../application/environment.js';
import { ConsoleLog } from '../../application/log.js';
import { PorticoError } from '../../errors.js';
import { TestApplicationEngine } from './test-application-engine.js';
import { originOf, parseTarget } from './test-target.js';

/** One service that the application under test calls; started by the first request to it. */
export class ExternalService {
  readonly #modules: readonly Module[];
  #starting: Promise<TestApplicationEngine> | undefined;

  constructor(modules: readonly Module[]) {
    this.#modules = modules;
  }

  start(): Promise<TestApplicationEngine> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async stop(): Promise<void> {
    const engine = await this.#starting?.catch(() => undefined);
    await engine?.stop();
  }

  async #start(): Promise<TestApplicationEngine> {
    const engine = new TestApplicationEngine({
      environment: applicationEnvironment({ log: new ConsoleLog('silent') }),
      modules: this.#modules,
    });
    await engine.start();
    return engine;
  }
}

/**
 * Services elsewhere, played by applications in memory. A failure in one is a 500 for who calls it, as from a real
 * service. Owned by a `TestApplication`, which stops them after itself.
 */
export class ExternalServices {
  readonly #services = new Map<string, ExternalService>();

  /** `modules` answer for one host or several: `https://api.example`, `http://localhost:9000`. One host twice: error. */
  hosts(hosts: string | readonly string[], modules: Module | readonly Module[]): this {
    const service = new ExternalService(typeof modules === 'function' ? [modules] : modules);
    for (const host of typeof hosts === 'string' ? [hosts] : hosts) {
      const origin = originOf(parseTarget(host));
      if (this.#services.has(origin))
        throw new PorticoError(
          'PORTICO_TEST_TARGET',
          `The external service ${origin} is already there. Add each host once.`,
        );
      this.#services.set(origin, service);
    }
    return this;
  }

  /** The service of an origin as `originOf` writes it. */
  find(origin: string): ExternalService | undefined {
    return this.#services.get(origin);
  }

  get origins(): readonly string[] {
    return [...this.#services.keys()];
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#services.values()].map((service) => service.stop()));
  }
}
