/**
 * The program inside an instance: boots one application and answers exchanges for it.
 *
 * Started by the supervisor with a pipe as channel. Says `hello`, receives plan and environment, loads the application,
 * opens the exchange socket, says `ready`. A spare waits between the first two for as long as it takes. Ends when
 * told, when the supervisor is gone, or when the application ends the process. It lives as long as its process, and
 * owns the exchange server and the application; of the supervisor it knows nothing but the messages.
 *
 * What is needed for one kind of application only is imported when that kind is found: an idle instance is small.
 */
import { ExchangeServer } from '../exchange/exchange-server.js';
import { BootFailure, failureReport } from './boot-failure.js';
import { offerCalls } from './calls/offer-calls.js';
import { enterSurroundings } from './enter-surroundings.js';
import type { AgentCommand, BootPlan, BootStep, FunctionCall, SpareKind } from './messages.js';
import type { RunningApplication } from './running-application.js';
import type { ScheduledFunctions } from './scheduled-functions.js';
import { reportStats } from './stats-reporter.js';
import { SupervisorChannel } from './supervisor-channel.js';

/** Exit code of a process whose application could not be started (EX_SOFTWARE of sysexits). */
const EXIT_NOT_STARTED = 70;
/** Part of the grace of a stop that exchanges in flight may use; the rest is for the application's own end. */
const DRAIN_SHARE = 0.75;
const POLL_MS = 10;
/** Longest wait for a failure report to be taken. */
const REPORT_MS = 2000;

class Agent {
  readonly #channel: SupervisorChannel;
  #state: 'waiting' | 'booting' | 'running' | 'stopping' | 'failed' = 'waiting';
  #step: BootStep = 'load';
  /** What the boot waits for, in words; reported when it comes to nothing. */
  #waitsFor: BootFailure | undefined;
  #application: RunningApplication | undefined;
  #exchanges: ExchangeServer | undefined;
  #plan: BootPlan | undefined;
  #functions: ScheduledFunctions | undefined;

  constructor(channel: SupervisorChannel) {
    this.#channel = channel;
  }

  start(): void {
    this.#channel.listen((command) => this.#obey(command), endWithChildren);
    this.#channel.hold(true);
    this.#channel.send({ type: 'hello', pid: process.pid });
  }

  #obey(command: AgentCommand): void {
    if (command.type === 'prepare') void this.#prepare(command.kind);
    else if (command.type === 'boot' && this.#state === 'waiting') {
      this.#channel.send({ type: 'booting' });
      void this.#boot(command.plan, command.environment);
    } else if (command.type === 'call-function') void this.#call(command.call);
    else if (command.type === 'end-function') this.#functions?.end(command.id);
    else if (command.type === 'prepare-stop') void this.#application?.prepareStop?.(command.departure);
    else if (command.type === 'stop') void this.#stop(command.graceMs);
  }

  /** A spare: what nearly every application needs is there when it gets one. What fails here fails again with an application. */
  async #prepare(kind: SpareKind): Promise<void> {
    const { loadForSpare } = await import('./load-for-spare.js');
    await loadForSpare(kind);
    this.#channel.send({ type: 'prepared' });
  }

  async #boot(plan: BootPlan, environment: Readonly<Record<string, string>>): Promise<void> {
    this.#state = 'booting';
    this.#plan = plan;
    this.#watch(plan);
    // From here on only the application keeps the process alive: one that has nothing left to do is found out.
    this.#channel.hold(false);
    try {
      enterSurroundings(plan, environment);
      const inScope = await offerCalls(plan);
      const application = await this.#load(plan);
      this.#step = 'listen';
      const exchanges = new ExchangeServer({
        socketPath: plan.socketPath,
        secret: plan.secret,
        handler: inScope(application.handle),
      });
      await exchanges.listen();
      if (this.#state !== 'booting') return;
      this.#application = application;
      this.#exchanges = exchanges;
      this.#state = 'running';
      // The application closed its server by itself: without the socket the process ends when it has no more to do.
      application.onClosed(() => void exchanges.close(0));
      reportStats(
        plan.statsIntervalMs,
        () => exchanges.activeExchanges,
        (report) => this.#channel.send(report),
      );
      this.#channel.send({ type: 'ready', kind: application.kind });
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  async #load(plan: BootPlan): Promise<RunningApplication> {
    const progress = {
      waitsFor: (failure: BootFailure): void => {
        this.#step = failure.step;
        this.#waitsFor = failure;
      },
    };
    if (plan.entry.kind === 'modules') {
      const { startFrameworkApplication } = await import('./framework-application.js');
      return startFrameworkApplication(plan, plan.entry.modules, progress, () =>
        this.#channel.send({ type: 'stop-requested' }),
      );
    }
    const { startServerApplication } = await import('./server-application.js');
    return startServerApplication(plan, plan.entry.main, progress);
  }

  /** A job is due, which few applications have. */
  async #call(call: FunctionCall): Promise<void> {
    const plan = this.#plan;
    if (plan === undefined || this.#state !== 'running') return;
    const { ScheduledFunctions } = await import('./scheduled-functions.js');
    this.#functions ??= new ScheduledFunctions({
      plan,
      application: () => this.#application?.application,
      send: (report) => this.#channel.send(report),
    });
    await this.#functions.run(call);
  }

  /** Turns every other way in which a boot can end into a report. */
  #watch(plan: BootPlan): void {
    setTimeout(() => this.#giveUp(`after ${plan.startTimeoutMs} ms`), plan.startTimeoutMs).unref();
    process.on('beforeExit', () => this.#giveUp('and the process has nothing left to do'));
    process.on('uncaughtExceptionMonitor', (error) => {
      // Node prints it and ends the process, unless the application wants to live on.
      if (this.#state === 'booting' && process.listenerCount('uncaughtException') === 0) this.#report(error);
    });
    process.on('exit', (code) => {
      // What the application has answered before it ended was answered, as it would be with a socket of its own.
      this.#exchanges?.flush();
      if (this.#state === 'booting') {
        this.#report(
          new BootFailure(
            this.#step,
            'PORTICO_APPLICATION_EXITED',
            `The application ended the process with exit code ${code} before it was ready.`,
          ),
        );
      }
      if (this.#state === 'failed') process.exitCode = EXIT_NOT_STARTED;
    });
  }

  #giveUp(when: string): void {
    if (this.#state !== 'booting') return;
    const waited = this.#waitsFor;
    this.#fail(
      waited === undefined
        ? new BootFailure(this.#step, 'PORTICO_START_TIMEOUT', `The application is not ready ${when}.`)
        : new BootFailure(waited.step, waited.code, `${waited.message} Given up ${when}.`, {
            cause: waited.cause,
          }),
    );
  }

  #fail(thrown: unknown): void {
    if (this.#state !== 'booting') return;
    const exit = (): void => process.exit(EXIT_NOT_STARTED);
    this.#report(thrown, exit);
    // Also when the supervisor does not read: what was loaded of the application must not go on.
    setTimeout(exit, REPORT_MS);
  }

  #report(thrown: unknown, onSent?: () => void): void {
    this.#state = 'failed';
    this.#channel.send(failureReport(thrown, this.#step), onSent);
  }

  async #stop(graceMs: number): Promise<void> {
    if (this.#state === 'stopping') return;
    const application = this.#application;
    const exchanges = this.#exchanges;
    const isRunning = this.#state === 'running';
    this.#state = 'stopping';
    if (!isRunning || application === undefined || exchanges === undefined) process.exit(0);
    const deadline = Date.now() + graceMs;
    // Whatever the application does in its last moments, it does not outlive its grace.
    setTimeout(() => process.exit(0), graceMs).unref();
    exchanges.drain();
    // Also when there was no time to prepare: answers that last for long end within the time for those in flight.
    void application.prepareStop?.('ended');
    const drainDeadline = Date.now() + graceMs * DRAIN_SHARE;
    const isBusy = (): boolean => exchanges.activeExchanges > 0 || (this.#functions?.running ?? 0) > 0;
    while (isBusy() && Date.now() < drainDeadline)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    this.#functions?.end();
    const closed = exchanges.close(0);
    try {
      await application.stop(Math.max(0, deadline - Date.now()));
    } catch (error) {
      console.error('The application failed while it was stopped:', error);
    }
    await closed;
    process.exit(0);
  }
}

/** Without a supervisor nobody would ever stop this process, nor what it has spawned: it leads their group. */
function endWithChildren(): void {
  try {
    process.kill(-process.pid, 'SIGKILL');
  } catch {
    // Started without a group of its own.
    process.exit(0);
  }
}

new Agent(SupervisorChannel.open()).start();
