import { type ChildProcess, fork } from 'node:child_process';
import type { ConnectorSettings } from '../config/connector-settings.js';
import { within } from '../deadline.js';
import type { DrainReport } from '../front/drains/drain-report.js';
import type {
  ContextRoute,
  FrontCommand,
  FrontReport,
  FrontSettings,
  OpenRequestQuery,
} from '../front/messages.js';
import { exitReason } from '../supervisor/end-cause.js';
import { HeartbeatWatch } from '../supervisor/heartbeat-watch.js';
import { systemEnvironment } from '../supervisor/surroundings/process-environment.js';
import type { ListeningSocket } from './listening-socket.js';

/** A socket and how its connections are to be treated. */
export interface FrontConnector {
  readonly socket: ListeningSocket;
  /** Looked at by each front that begins: what has changed meanwhile is known to it. */
  readonly settings: ConnectorSettings;
  /** Applications call each other there; see `listen` of FrontCommand. */
  readonly callKey?: string;
}

/** What one front is started with. Durations are those of FrontProcessesOptions. */
export interface FrontProcessOptions {
  readonly frontPath: string;
  /** Asked for when the front has loaded. */
  readonly settings: () => FrontSettings;
  /** Those there are now; asked for when the front has loaded. */
  readonly connectors: () => readonly FrontConnector[];
  /** It is not to accept on this connector now. */
  readonly isPaused?: (connector: string) => boolean;
  /** The whole mapping; asked for when the front has loaded, so that nothing published meanwhile is missing. */
  readonly mapping: () => { readonly revision: number; readonly routes: readonly ContextRoute[] };
  /** It gets no mapping and no socket before this has settled; connections wait in the queue of the system. */
  readonly firstMapping: Promise<unknown>;
  /** Reports beyond the protocol of starting, mapping and counting on request. */
  readonly received: (report: FrontReport) => void;
  /** By which the next server knows it, should this one be killed. */
  readonly mark: string | undefined;
  readonly ackTimeoutMs: number;
  readonly startTimeoutMs: number;
  readonly hangTimeoutMs: number;
}

/**
 * One front from spawn to exit. It is told the mapping before it gets the sockets, so that its first request finds
 * the applications. Owned by FrontProcesses.
 */
export class FrontProcess {
  /** True when it accepts on all connectors; false when it ended before. */
  readonly up: Promise<boolean>;
  /** Why it ended: `exited with code 1`. */
  readonly gone: Promise<string>;
  readonly startedAt = new Date().toISOString();
  readonly pid: number | undefined;
  readonly #options: FrontProcessOptions;
  readonly #child: ChildProcess;
  readonly #heartbeat: HeartbeatWatch;
  readonly #ping: NodeJS.Timeout;
  readonly #startTimer: NodeJS.Timeout;
  readonly #acks = new Map<number, () => void>();
  readonly #answers = new Map<number, () => void>();
  readonly #asked = new Map<number, (report: FrontReport) => void>();
  /** Known when it gets its sockets. */
  #notListening = new Set<string>();
  #resolveUp: (isUp: boolean) => void = () => undefined;
  #resolveGone: (reason: string) => void = () => undefined;
  #state: 'loading' | 'mapped' | 'up' | 'draining' | 'gone' = 'loading';
  #cause: string | undefined;
  #reportId = 0;

  constructor(options: FrontProcessOptions) {
    this.#options = options;
    this.up = new Promise((resolve) => {
      this.#resolveUp = resolve;
    });
    this.gone = new Promise((resolve) => {
      this.#resolveGone = resolve;
    });
    this.#child = fork(options.frontPath, [], {
      env: {
        ...systemEnvironment(process.env),
        NODE_ENV: 'production',
        ...(options.mark === undefined ? {} : { PORTICO_INSTANCE: options.mark }),
      },
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      detached: true,
    });
    this.pid = this.#child.pid;
    this.#child.on('message', (message) => this.#received(message as FrontReport));
    this.#child.on('error', (error) => this.#failed(error));
    this.#child.once('exit', (code, signal) => this.#exited(code, signal));
    this.#startTimer = setTimeout(
      () => this.kill(`was not ready within ${options.startTimeoutMs / 1000} s`),
      options.startTimeoutMs,
    );
    this.#heartbeat = new HeartbeatWatch(options.hangTimeoutMs, () =>
      this.kill(`did not answer for ${options.hangTimeoutMs / 1000} s`),
    );
    this.#ping = setInterval(() => this.#send({ type: 'report', id: 0 }), options.hangTimeoutMs / 3);
  }

  get isUp(): boolean {
    return this.#state === 'up';
  }

  /** True from the moment the mapping was sent: from then on it must hear of every change. */
  get isMapped(): boolean {
    return this.#state === 'mapped' || this.#state === 'up' || this.#state === 'draining';
  }

  /** Sends a change of the mapping. Resolves when it is in force here, or the front is gone. */
  async apply(revision: number, set: readonly ContextRoute[], remove: readonly string[]): Promise<void> {
    if (!this.isMapped) return;
    const acknowledged = new Promise<void>((resolve) => this.#acks.set(revision, resolve));
    this.#send({ type: 'routes', revision, set, remove });
    await this.#acknowledged(acknowledged, revision);
  }

  /** Sends what needs no answer; after the next `report` it has been done. */
  tell(command: FrontCommand): void {
    if (this.isMapped) this.#send(command);
  }

  /** Asks for the counts up to now. Resolves when they have come, at the deadline, or when the front is gone. */
  async report(deadlineMs: number): Promise<void> {
    if (this.#state === 'gone') return;
    this.#reportId += 1;
    const id = this.#reportId;
    const answered = new Promise<void>((resolve) => this.#answers.set(id, resolve));
    this.#send({ type: 'report', id });
    await within(Promise.race([answered, this.gone]), deadlineMs);
    this.#answers.delete(id);
  }

  /** What is open there, the oldest first; nothing when it has not answered in time, or is gone. */
  async openRequests(query: OpenRequestQuery, deadlineMs: number): Promise<OpenRequests> {
    const found = await this.#ask((id) => ({ type: 'list-open', id, query }), deadlineMs);
    return found?.type === 'open-requests' ? found : NO_REQUESTS;
  }

  /** How the exchanges of a deployment ended that has left the mapping; undefined as for `openRequests`, or nothing was open. */
  async drainOf(deployment: string, deadlineMs: number): Promise<DrainReport | undefined> {
    const found = await this.#ask((id) => ({ type: 'report-drain', id, deployment }), deadlineMs);
    return found?.type === 'drain-report' ? found.report : undefined;
  }

  /** The answer to a command with a number of its own; undefined when none came in time, or the front is gone. */
  async #ask(commandOf: (id: number) => FrontCommand, deadlineMs: number): Promise<FrontReport | undefined> {
    if (this.#state !== 'up' && this.#state !== 'draining') return undefined;
    this.#reportId += 1;
    const id = this.#reportId;
    let answer: FrontReport | undefined;
    const answered = new Promise<void>((resolve) => {
      this.#asked.set(id, (report) => {
        answer = report;
        resolve();
      });
    });
    this.#send(commandOf(id));
    await within(Promise.race([answered, this.gone]), deadlineMs);
    this.#asked.delete(id);
    return answer;
  }

  /** Lets it finish what is in flight; killed at the deadline. Resolves when it is gone. */
  async drain(deadlineMs: number): Promise<void> {
    if (this.#state !== 'up') {
      this.kill('was stopped while it started');
    } else {
      this.#state = 'draining';
      this.#cause = 'was drained';
      this.#send({ type: 'drain', deadlineMs });
      if (!(await within(this.gone, deadlineMs + DRAIN_GRACE_MS))) this.kill('');
    }
    await this.gone;
  }

  kill(reason: string): void {
    this.#cause ??= reason;
    this.#child.kill('SIGKILL');
  }

  #received(report: FrontReport): void {
    if (this.#state === 'gone') return;
    this.#heartbeat.beat();
    if (report.type === 'ready') {
      if (this.#state === 'loading') void this.#options.firstMapping.then(() => this.#configure());
    } else if (report.type === 'listening') {
      this.#notListening.delete(report.connector);
      if (this.#notListening.size === 0 && this.#state === 'mapped') this.#becomeUp();
    } else if (report.type === 'routes-applied') {
      this.#acks.get(report.revision)?.();
      this.#acks.delete(report.revision);
    } else if (report.type === 'open-requests' || report.type === 'drain-report') {
      this.#asked.get(report.id)?.(report);
    } else {
      // The counts are handed on first: whoever waits for the answer finds them added up.
      this.#options.received(report);
      if (report.type === 'counts' && report.id !== undefined) this.#answers.get(report.id)?.();
    }
  }

  async #configure(): Promise<void> {
    if (this.#state !== 'loading') return;
    const { settings, mapping, isPaused } = this.#options;
    const { revision, routes } = mapping();
    // What is added from here on, it is told by `listen`.
    const connectors = this.#options.connectors();
    this.#notListening = new Set(connectors.map(({ socket }) => socket.connector));
    this.#send({ type: 'configure', settings: settings() });
    this.#state = 'mapped';
    const acknowledged = new Promise<void>((resolve) => this.#acks.set(revision, resolve));
    this.#send({ type: 'routes', revision, set: routes, remove: [] });
    await this.#acknowledged(acknowledged, revision);
    for (const connector of connectors) {
      const { socket } = connector;
      // Whether it is paused is asked right before: a pause that comes later is a command behind this one.
      if (isPaused?.(socket.connector) === true) this.#notListening.delete(socket.connector);
      else await this.listen(connector);
    }
    if (this.#notListening.size === 0 && this.#state === 'mapped') this.#becomeUp();
  }

  /** Gives it a socket to accept on, if it is there. */
  async listen({ socket, settings, callKey }: FrontConnector): Promise<void> {
    const isForCalls = callKey === undefined ? {} : { callKey };
    const listen: FrontCommand = { type: 'listen', connector: socket.connector, settings, ...isForCalls };
    if (this.#child.connected && this.isMapped) await socket.sendTo(this.#child, listen);
  }

  async #acknowledged(acknowledged: Promise<void>, revision: number): Promise<void> {
    const { ackTimeoutMs } = this.#options;
    if (await within(Promise.race([acknowledged, this.gone]), ackTimeoutMs)) return;
    this.kill(`did not apply revision ${revision} of the mapping within ${ackTimeoutMs / 1000} s`);
    // Until it is gone it may still answer by the old mapping.
    await this.gone;
  }

  #becomeUp(): void {
    this.#state = 'up';
    clearTimeout(this.#startTimer);
    this.#resolveUp(true);
  }

  #failed(error: Error): void {
    // Without a pid the process was never there and no exit follows.
    if (this.pid === undefined) this.#end(`could not be started: ${error.message}`);
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    this.#end(this.#cause ?? exitReason(code, signal));
  }

  #end(reason: string): void {
    if (this.#state === 'gone') return;
    this.#state = 'gone';
    this.#heartbeat.stop();
    clearInterval(this.#ping);
    clearTimeout(this.#startTimer);
    this.#resolveUp(false);
    this.#resolveGone(reason);
  }

  #send(command: FrontCommand): void {
    // What could not be sent shows by its missing answer; every answer has a deadline.
    if (this.#child.connected) this.#child.send(command, () => undefined);
  }
}

/** What is open in one front, or in all. */
export type OpenRequests = Pick<Extract<FrontReport, { type: 'open-requests' }>, 'requests' | 'total'>;

const NO_REQUESTS: OpenRequests = { requests: [], total: 0 };

/** What a front gets beyond the deadline it was told, to say so and exit. */
const DRAIN_GRACE_MS = 500;
