import { spawn } from 'node:child_process';
import { messageOf } from '../../errors.js';
import type { ServerLog } from '../../log/server-log.js';
import { systemEnvironment } from '../../supervisor/surroundings/process-environment.js';
import { MAX_DURATION_MS } from '../../units.js';

/**
 * Tells systemd how the service is doing (`sd_notify(3)`), and that it is alive. Node has no sockets of the kind this takes, so
 * the program `systemd-notify` says it, which is there where systemd is; the unit needs `NotifyAccess=all` for it. Messages
 * go out one after the other. What cannot be said is logged once, and nothing else comes of it.
 *
 * Without systemd every method does nothing.
 */
export class ServiceManager {
  readonly #log: ServerLog;
  readonly #environment: Readonly<Record<string, string>> | undefined;
  readonly #watchdogMs: number | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  #sent: Promise<void> = Promise.resolve();
  #hasFailed = false;

  private constructor(
    log: ServerLog,
    environment: Readonly<Record<string, string>> | undefined,
    watchdogMs: number | undefined,
  ) {
    this.#log = log;
    this.#environment = environment;
    this.#watchdogMs = watchdogMs;
  }

  /** Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`, and removes them: they are meant for this process alone. */
  static takeFrom(env: NodeJS.ProcessEnv, pid: number, log: ServerLog): ServiceManager {
    const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: micros = '', WATCHDOG_PID: watched } = env;
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete env[name];
    if (socket === undefined || socket === '') return new ServiceManager(log, undefined, undefined);
    const isWatched = /^[1-9]\d{0,14}$/.test(micros) && (watched === undefined || watched === String(pid));
    // Half of what is allowed, as systemd recommends.
    const watchdogMs = isWatched ? Math.max(MIN_WATCHDOG_MS, Number(micros) / 2000) : undefined;
    return new ServiceManager(log, { ...systemEnvironment(env), NOTIFY_SOCKET: socket }, watchdogMs);
  }

  /** The start is over; from now on systemd hears that this process is alive, if it wants to. */
  ready(status: string): void {
    this.#tell(['READY=1', `STATUS=${status}`]);
    if (this.#watchdogMs === undefined || this.#watchdog !== undefined) return;
    this.#watchdog = setInterval(
      () => this.#tell(['WATCHDOG=1']),
      Math.min(this.#watchdogMs, MAX_DURATION_MS),
    );
    // It goes on to the very end: also while it is stopping the process is alive.
    this.#watchdog.unref();
  }

  /** One line for `systemctl status`. */
  status(status: string): void {
    this.#tell([`STATUS=${status}`]);
  }

  stopping(): void {
    this.#tell(['STOPPING=1', 'STATUS=finishing what is in flight']);
  }

  #tell(assignments: readonly string[]): void {
    const environment = this.#environment;
    if (environment === undefined) return;
    this.#sent = this.#sent.then(async () => {
      const failure = await run(assignments, environment);
      if (failure === undefined || this.#hasFailed) return;
      this.#hasFailed = true;
      this.#log.warn(
        { code: 'PORTICO_SYSTEMD_NOTIFY', reason: failure },
        `systemd was not told ${assignments[0]}: ${failure}. Install systemd-notify, or use Type=exec and no WatchdogSec=`,
      );
    });
  }
}

const MIN_WATCHDOG_MS = 100;
/** For the program to start, to say it, and to hear that it was heard. */
const TELL_MS = 5000;

/** Resolves with undefined when it was said, otherwise with the reason. */
function run(
  assignments: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn('systemd-notify', assignments, {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: TELL_MS,
      killSignal: 'SIGKILL',
    });
    let told = '';
    child.stderr.on('data', (chunk: Buffer) => {
      told = `${told}${chunk}`.slice(0, 200);
    });
    child.on('error', (error) => resolve(messageOf(error)));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(undefined);
      else resolve(told.trim() || `systemd-notify ended with ${signal ?? `code ${code}`}`);
    });
  });
}
