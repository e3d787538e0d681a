import type { Application, Module } from '../application/application.js';
import type { ApplicationCall } from '../application/application-call.js';
import { ApplicationStopPreparing, ServerReady } from '../application/application-events.js';
import {
  giveUpApplication,
  startApplication,
  stopApplication,
} from '../application/application-lifecycle.js';
import { noteDeparture } from '../application/departures.js';
import type { ApplicationEnvironment } from '../application/environment.js';
import type { Events } from '../application/events.js';
import { counted } from '../counted.js';
import { within } from '../deadline.js';
import { messageOf, PorticoError } from '../errors.js';
import { AbortReason, type Exchange } from '../exchange/exchange.js';
import type { Departure } from '../lifecycle/departure.js';
import {
  type ApplicationEngine,
  DEFAULT_GRACE_MS,
  DEFAULT_STOP_TIMEOUT_MS,
  type EngineConnector,
} from './application-engine.js';
import type { ShownPlaces } from './error-page/error-answer.js';
import { LoadedApplication } from './loaded-application.js';
import { HeldRequests } from './reload/held-requests.js';
import { answerReloadFailure } from './reload/reload-failure.js';
import { MAX_ENTRIES, SourceWatch } from './reload/source-watch.js';

/** What every engine is made with. */
export interface EngineSettings {
  readonly environment: ApplicationEnvironment;
  /**
   * Run in this order at the start, behind those of the environment. A function is asked at the start (generation 0)
   * and at each reload: what loads its modules by reference imports them anew for each generation, see
   * `importGeneration`.
   */
  readonly modules: readonly Module[] | ModuleSource;
  /** For all modules together; default 10 s. */
  readonly startTimeoutMs?: number | undefined;
  /** `concurrent`: all modules at once, interleaved where they wait. Default `sequential`. */
  readonly startup?: 'sequential' | 'concurrent' | undefined;
  /**
   * Time until an answer has to begin; then 504, and the call hears of its abort. It is looked at a few times within it.
   * Default 0: no limit, as long polls may wait; inside the container the front has a limit.
   */
  readonly responseTimeoutMs?: number | undefined;
  /** What error answers of development mode make of their texts, where places in files are meant to be others. */
  readonly shownPlaces?: ShownPlaces | undefined;
  /** Grace of `stop()` when it is called without one; default 1000. */
  readonly shutdownGracePeriodMs?: number | undefined;
  /** Time of the whole `stop()` when it is called without one; default 5000. */
  readonly shutdownTimeoutMs?: number | undefined;
}

/** Gives the modules of a generation: 0 at the start, one more at each reload. */
export type ModuleSource = (generation: number) => readonly Module[];

/** Running calls get this long to finish when the application is reloaded. */
const RELOAD_GRACE_MS = 200;
/** Ending the application gets at least so long, also when the calls have used up the time of the stop. */
const LAST_MS = 500;

/**
 * The part that all engines share: owns the application and the calls that run in it, and the order of start, reload and
 * stop. State: new, starting, started, stopping, stopped. Subclasses open and close whatever calls come from.
 */
export abstract class BaseEngine implements ApplicationEngine {
  readonly environment: ApplicationEnvironment;
  readonly #settings: EngineSettings;
  #state: 'new' | 'starting' | 'started' | 'stopping' | 'stopped' = 'new';
  /** Undefined after a reload that failed. */
  #loaded: LoadedApplication | undefined;
  #generation = 0;
  #reloading: Promise<void> | undefined;
  #reloadFailure: unknown;
  /** While the application is reloaded. */
  #held: HeldRequests | undefined;
  #watch: SourceWatch | undefined;
  /** No reload begins any more. */
  #isPreparingStop = false;
  #hasRaisedPreparing = false;
  #stopping: Promise<void> | undefined;
  #hasCut = false;
  /** The engine has stopped in the middle of a reload. */
  #isGivenUp = false;
  readonly #started = new Signal();
  readonly #stopped = new Signal();

  constructor(settings: EngineSettings) {
    this.environment = settings.environment;
    this.#settings = settings;
    this.#loaded = this.#newApplication();
  }

  get monitor(): Events {
    return this.environment.monitor;
  }

  get application(): Application {
    if (this.#loaded === undefined)
      throw new PorticoError(
        'PORTICO_APPLICATION_NOT_LOADED',
        'Application is not loaded; check logs for details. Its last reload has failed.',
        { cause: this.#reloadFailure },
      );
    return this.#loaded.application;
  }

  /** Calls that are not over yet. */
  get running(): number {
    return this.#loaded?.runner.running ?? 0;
  }

  /** True when the stop had to cut calls that did not finish in time. */
  get hasCut(): boolean {
    return this.#hasCut;
  }

  async start(options: { readonly wait?: boolean } = {}): Promise<void> {
    if (this.#state !== 'new') throw this.#illegal('started', 'Make a new one.');
    this.#state = 'starting';
    const { application, environment } = this;
    try {
      await this.#run(application);
    } catch (error) {
      this.#end();
      throw error;
    }
    try {
      await this.open();
    } catch (error) {
      await giveUpApplication(application);
      this.#end();
      throw error;
    }
    this.#watch = this.#watchSources();
    this.#state = 'started';
    application.monitor.raiseCatching(ServerReady, environment, application.log);
    this.#started.set();
    if (options.wait === true) await this.#stopped.reached;
  }

  stop(
    graceMs = this.#settings.shutdownGracePeriodMs ?? DEFAULT_GRACE_MS,
    timeoutMs = Math.max(graceMs, this.#settings.shutdownTimeoutMs ?? DEFAULT_STOP_TIMEOUT_MS),
  ): Promise<void> {
    this.#stopping ??= this.#stop(graceMs, timeoutMs);
    return this.#stopping;
  }

  /**
   * Nothing new comes but what is on its way: raises `ApplicationStopPreparing`, once, so that answers that last for long
   * end. Calls are still taken and answered; `stop` follows. Without effect unless started. `departure`: what clients are
   * told; see `departureOf`.
   */
  async prepareStop(departure: Departure = 'ended'): Promise<void> {
    if (this.#state !== 'started') return;
    this.#isPreparingStop = true;
    if (this.#reloading !== undefined) await this.#reloadEnded(this.#reloading);
    this.#raisePreparing(departure);
  }

  reload(): Promise<void> {
    if (this.#state !== 'started' || this.#isPreparingStop || this.#stopping !== undefined)
      return Promise.reject(this.#illegal('reloaded', 'Start it first.'));
    this.#reloading ??= this.#reload().finally(() => {
      this.#reloading = undefined;
    });
    return this.#reloading;
  }

  async resolvedConnectors(): Promise<readonly EngineConnector[]> {
    await this.#started.reached;
    return this.connectors();
  }

  /** Answers one exchange; before the start and after the stop it is refused, which the container may answer elsewhere. */
  protected accept(exchange: Exchange): void {
    if (this.#state !== 'started' || this.#isGivenUp) {
      exchange.abort(AbortReason.REFUSED);
      return;
    }
    if (this.#held !== undefined) {
      this.#held.hold(exchange);
      return;
    }
    if (!this.#isPreparingStop && this.#stopping === undefined && this.#watch?.hasChanged() === true) {
      this.#held = new HeldRequests();
      this.#held.hold(exchange);
      this.#reloadChanged(this.#watch);
      return;
    }
    this.#answer(exchange);
  }

  /** A call ended with an error, which was logged and is about to be answered with `status`. */
  protected callFailed(_call: ApplicationCall, _status: number, _error: unknown): void {
    // For engines that tell somebody else.
  }

  // An engine that does not own what calls come from has nothing to open and to close.

  /** Opens what calls come from. */
  protected open(): Promise<void> {
    return Promise.resolve();
  }

  /** Stops accepting. Calls that run go on; connections that still live after `timeoutMs` are to be destroyed. */
  protected close(_timeoutMs: number): Promise<void> {
    return Promise.resolve();
  }

  /** Closes what is left when running calls have ended or were given up. */
  protected cut(_timeoutMs: number): Promise<void> {
    return Promise.resolve();
  }

  protected abstract connectors(): readonly EngineConnector[];

  /** The application wants to end: engines of a process of their own end it, the container is asked. */
  protected shutDown(_exitCode: number): void {
    void this.stop();
  }

  #answer(exchange: Exchange): void {
    if (this.#loaded === undefined) answerReloadFailure(exchange, this.#reloadFailure, this.environment);
    else this.#loaded.runner.run(exchange);
  }

  #newApplication(): LoadedApplication {
    return new LoadedApplication(this.environment, {
      control: { shutDown: (exitCode) => setImmediate(() => this.shutDown(exitCode)) },
      onFailure: (call, status, error) => this.callFailed(call, status, error),
      responseTimeoutMs: this.#settings.responseTimeoutMs ?? 0,
      shownPlaces: this.#settings.shownPlaces,
    });
  }

  #run(application: Application): Promise<void> {
    const { modules } = this.#settings;
    const given = typeof modules === 'function' ? modules(this.#generation) : modules;
    return startApplication(application, {
      ...this.#settings,
      modules: [...this.environment.modules, ...given],
    });
  }

  #watchSources(): SourceWatch | undefined {
    const { log, developmentMode, watchPaths } = this.environment;
    if (watchPaths.length === 0) return undefined;
    if (!developmentMode) {
      log.info('Autoreload is disabled because the development mode is off.');
      return undefined;
    }
    const watch = new SourceWatch(watchPaths);
    if (watch.fileCount === 0) log.warn(`Autoreload: no file matches ${watchPaths.join(', ')}.`);
    if (watch.isCut)
      log.warn(
        `Autoreload: there are more than ${MAX_ENTRIES} files at ${watchPaths.join(', ')}; changes of the others are not seen. Watch the folder of the sources only.`,
      );
    return watch;
  }

  #reloadChanged(watch: SourceWatch): void {
    const { log } = this.environment;
    log.info('Changes in application detected.');
    this.#reloading ??= (async () => {
      await watch.quiet();
      await this.#reload();
    })().finally(() => {
      this.#reloading = undefined;
    });
    this.#reloading.catch((error: unknown) =>
      log.error(`The reload failed; the next change tries again: ${messageOf(error)}`, error),
    );
  }

  /** Two applications never overlap. Sockets stay open, requests wait. */
  async #reload(): Promise<void> {
    this.#held ??= new HeldRequests();
    const held = this.#held;
    try {
      const old = this.#loaded;
      if (old !== undefined) {
        await old.runner.whenIdle(RELOAD_GRACE_MS);
        this.#loaded = undefined;
        old.runner.abortAll();
        await giveUpApplication(old.application);
      }
      this.#generation++;
      const next = this.#newApplication();
      await this.#run(next.application);
      if (this.#isGivenUp) return await giveUpApplication(next.application);
      this.#loaded = next;
      this.#reloadFailure = undefined;
    } catch (error) {
      this.#reloadFailure = error;
      throw error;
    } finally {
      this.#held = undefined;
      held.release((exchange) => this.#answer(exchange));
    }
  }

  /** A reload that has begun is brought to its end: it has a deadline of its own. */
  async #reloadEnded(reloading: Promise<void>): Promise<void> {
    await reloading.catch((error: unknown) =>
      this.environment.log.debug('The reload failed before the stop.', error),
    );
  }

  /** The stop waits for a reload as long as it has time itself; what comes of it later is ended at once. */
  async #giveUpReload(leftMs: () => number): Promise<void> {
    if (this.#reloading === undefined || (await within(this.#reloadEnded(this.#reloading), leftMs()))) return;
    this.#isGivenUp = true;
    this.#hasCut = true;
    this.environment.log.warn('The application was still being reloaded when the time of the stop was over.');
    this.#held?.release((exchange) => exchange.abort(AbortReason.REFUSED));
  }

  #raisePreparing(departure: Departure): void {
    if (this.#hasRaisedPreparing) return;
    this.#hasRaisedPreparing = true;
    const { environment } = this;
    noteDeparture(environment, departure);
    const monitor = this.#loaded?.application.monitor ?? this.monitor;
    monitor.raiseCatching(ApplicationStopPreparing, environment, environment.log);
  }

  async #stop(graceMs: number, timeoutMs: number): Promise<void> {
    const begin = performance.now();
    const left = (): number => Math.max(0, timeoutMs - (performance.now() - begin));
    if (this.#state === 'starting') await this.#started.reached;
    if (this.#state !== 'started') return this.#end();
    await this.#giveUpReload(left);
    this.#raisePreparing('ended');
    const { log } = this.environment;
    const loaded = this.#loaded;
    await this.close(timeoutMs);
    if (loaded !== undefined && !(await loaded.runner.whenIdle(graceMs))) {
      this.#hasCut = true;
      log.warn(`Cut ${counted(loaded.runner.running, 'call')} that still ran after ${graceMs} ms.`);
    }
    this.#state = 'stopping';
    loaded?.runner.abortAll();
    await this.cut(left());
    if (
      loaded !== undefined &&
      !(await within(stopApplication(loaded.application), Math.max(left(), LAST_MS)))
    ) {
      this.#hasCut = true;
      log.warn(`The application did not end within ${timeoutMs} ms; a plugin may still be closing.`);
    }
    this.#end();
  }

  #end(): void {
    this.#state = 'stopped';
    this.#started.set();
    this.#stopped.set();
  }

  #illegal(verb: string, advice: string): PorticoError {
    return new PorticoError(
      'PORTICO_ENGINE_STATE',
      `The engine is ${this.#state} and cannot be ${verb}. ${advice}`,
    );
  }
}

/** Something that happens once and can be waited for. */
class Signal {
  set: () => void = () => undefined;
  readonly reached: Promise<void> = new Promise((resolve) => {
    this.set = resolve;
  });
}
