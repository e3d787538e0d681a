import { Application, type Module } from '../application/application.js';
import type { ApplicationCall } from '../application/application-call.js';
import {
  ApplicationStarting,
  ApplicationStopPreparing,
  ServerReady,
} from '../application/application-events.js';
import { startApplication, stopApplication } from '../application/application-lifecycle.js';
import type { ApplicationEnvironment } from '../application/environment.js';
import { PorticoError } from '../errors.js';
import { AbortReason, type Exchange } from '../exchange/exchange.js';
import {
  type ApplicationEngine,
  DEFAULT_GRACE_MS,
  DEFAULT_STOP_TIMEOUT_MS,
  type EngineConnector,
} from './application-engine.js';
import { CallRunner } from './call-runner.js';
import { installEngineDefaults } from './engine-defaults.js';

/** What every engine is made with. */
export interface EngineSettings {
  readonly environment: ApplicationEnvironment;
  /** Run in this order at the start. */
  readonly modules: readonly Module[];
  /** For all modules together; default 10 s. */
  readonly startTimeoutMs?: number | undefined;
  /** `concurrent`: all modules at once, interleaved where they wait. Default `sequential`. */
  readonly startup?: 'sequential' | 'concurrent' | undefined;
}

/**
 * The part that all engines share: owns the application and the calls that run in it, and the order of start and stop.
 * State: new, starting, started, stopping, stopped. Subclasses open and close whatever calls come from.
 */
export abstract class BaseEngine implements ApplicationEngine {
  readonly environment: ApplicationEnvironment;
  readonly application: Application;
  readonly #settings: EngineSettings;
  readonly #runner: CallRunner;
  #state: 'new' | 'starting' | 'started' | 'stopping' | 'stopped' = 'new';
  #stopping: Promise<void> | undefined;
  readonly #started = new Signal();
  readonly #stopped = new Signal();

  constructor(settings: EngineSettings) {
    this.environment = settings.environment;
    this.#settings = settings;
    this.application = new Application(settings.environment);
    const unsubscribe = this.application.monitor.subscribe(ApplicationStarting, (application) => {
      // The monitor may be that of other applications too.
      if (application !== this.application) return;
      unsubscribe();
      installEngineDefaults(application);
    });
    this.#runner = new CallRunner(this.application, (call, status, error) =>
      this.callFailed(call, status, error),
    );
  }

  /** Calls that are not over yet. */
  get running(): number {
    return this.#runner.running;
  }

  async start(options: { readonly wait?: boolean } = {}): Promise<void> {
    if (this.#state !== 'new')
      throw new PorticoError(
        'PORTICO_ENGINE_STATE',
        `The engine is ${this.#state} and cannot be started. Make a new one.`,
      );
    this.#state = 'starting';
    const { application, environment } = this;
    try {
      const modules = [...environment.modules, ...this.#settings.modules];
      await startApplication(application, { ...this.#settings, modules });
    } catch (error) {
      this.#end();
      throw error;
    }
    try {
      await this.open();
    } catch (error) {
      await stopApplication(application);
      this.#end();
      throw error;
    }
    this.#state = 'started';
    application.monitor.raiseCatching(ServerReady, environment, application.log);
    this.#started.set();
    if (options.wait === true) await this.#stopped.reached;
  }

  stop(graceMs = DEFAULT_GRACE_MS, timeoutMs = Math.max(graceMs, DEFAULT_STOP_TIMEOUT_MS)): Promise<void> {
    this.#stopping ??= this.#stop(graceMs, timeoutMs);
    return this.#stopping;
  }

  async resolvedConnectors(): Promise<readonly EngineConnector[]> {
    await this.#started.reached;
    return this.connectors();
  }

  /** Answers one exchange; before the start and after the stop it is refused, which the container may answer elsewhere. */
  protected accept(exchange: Exchange): void {
    if (this.#state === 'started') this.#runner.run(exchange);
    else exchange.abort(AbortReason.REFUSED);
  }

  /** A call ended with an error, which was logged and is about to be answered with `status`. */
  protected callFailed(_call: ApplicationCall, _status: number, _error: unknown): void {
    // For engines that tell somebody else.
  }

  /** Opens what calls come from. */
  protected abstract open(): Promise<void>;
  /** Stops accepting. Calls that run go on, for `graceMs` at most. */
  protected abstract close(graceMs: number): Promise<void>;
  /** Closes what is left when running calls have ended or were given up. */
  protected abstract cut(timeoutMs: number): Promise<void>;
  protected abstract connectors(): readonly EngineConnector[];

  async #stop(graceMs: number, timeoutMs: number): Promise<void> {
    const { application, environment } = this;
    const { log, monitor } = application;
    const begin = performance.now();
    if (this.#state === 'starting') await this.#started.reached;
    if (this.#state !== 'started') return this.#end();
    monitor.raiseCatching(ApplicationStopPreparing, environment, log);
    await this.close(graceMs);
    if (!(await this.#runner.whenIdle(graceMs)))
      log.warn(`${this.#runner.running} calls were still running after ${graceMs} ms; they are cut.`);
    this.#state = 'stopping';
    this.#runner.abortAll();
    await this.cut(Math.max(0, timeoutMs - (performance.now() - begin)));
    await stopApplication(application);
    this.#end();
  }

  #end(): void {
    this.#state = 'stopped';
    this.#started.set();
    this.#stopped.set();
  }
}

/** Something that happens once and can be waited for. */
class Signal {
  set: () => void = () => undefined;
  readonly reached: Promise<void> = new Promise((resolve) => {
    this.set = resolve;
  });
}
