import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { type ConnectorLimits, DEFAULT_CONNECTOR_LIMITS } from '#host/config/connector-limits.js';
import type { ConnectorSettings } from '#host/config/connector-settings.js';
import type {
  ContextCounts,
  ContextRoute,
  FrontCommand,
  FrontCounts,
  FrontReport,
  FrontSettings,
  InstanceAddress,
  RouteTarget,
} from '#host/front/messages.js';
import { ListeningSocket } from '#host/server/listening-socket.js';
import { repositoryFolder } from '#test/support/paths.js';
import { until, WAIT_MS } from '#test/support/polling.js';

interface Waiting {
  readonly matches: (report: FrontReport) => boolean;
  readonly resolve: (report: FrontReport) => void;
}

/** A front in a process of its own, commanded by the test as the server would. */
export class TestFront {
  readonly port: number;
  readonly process: ChildProcess;
  readonly reports: FrontReport[] = [];
  readonly exited: Promise<number | null>;
  #errors = '';
  #waiting: Waiting[] = [];
  #revision = 0;
  readonly socket: ListeningSocket;

  private constructor(socket: ListeningSocket, execArgv: readonly string[]) {
    this.socket = socket;
    this.port = socket.port;
    this.process = fork(join(repositoryFolder, 'dist/host/front/main.js'), {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      execArgv: [...execArgv],
    });
    this.process.stderr?.on('data', (text) => {
      this.#errors += String(text);
    });
    this.exited = new Promise((resolve) => this.process.once('exit', (code) => resolve(code)));
    this.process.on('message', (message) => {
      const report = message as FrontReport;
      this.reports.push(report);
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const one of waiting) {
        if (one.matches(report)) one.resolve(report);
        else this.#waiting.push(one);
      }
    });
  }

  static async start(
    settings: Partial<FrontSettings> = {},
    limits: Partial<ConnectorLimits> = {},
    socket?: ListeningSocket,
    execArgv: readonly string[] = [],
    connector: Partial<ConnectorSettings> = {},
  ): Promise<TestFront> {
    const front = new TestFront(socket ?? (await ListeningSocket.open('http', '127.0.0.1', 0)), execArgv);
    await front.report('ready');
    front.send({
      type: 'configure',
      settings: { accessLog: undefined, retryAfterSeconds: 2, tunnelCloseMs: WAIT_MS, ...settings },
    });
    const listening = front.report('listening');
    await front.socket.sendTo(front.process, {
      type: 'listen',
      connector: 'http',
      settings: { limits: { ...DEFAULT_CONNECTOR_LIMITS, ...limits }, ...connector },
    } satisfies FrontCommand);
    await listening;
    return front;
  }

  /** Everything the front wrote to standard error. */
  get errors(): string {
    return this.#errors;
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  get(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(this.url(path), { redirect: 'manual', signal: AbortSignal.timeout(WAIT_MS), ...init });
  }

  async text(path: string): Promise<string> {
    return await (await this.get(path)).text();
  }

  send(command: FrontCommand): void {
    this.process.send(command);
  }

  /** The next report of this type (and, if given, that satisfies a condition). */
  report<T extends FrontReport['type']>(
    type: T,
    condition: (report: Extract<FrontReport, { type: T }>) => boolean = () => true,
  ): Promise<Extract<FrontReport, { type: T }>> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no report ${type}; so far ${JSON.stringify(this.reports)}\n${this.#errors}`)),
        WAIT_MS,
      );
      this.#waiting.push({
        matches: (report) => report.type === type && condition(report as Extract<FrontReport, { type: T }>),
        resolve: (report) => {
          clearTimeout(timer);
          resolve(report as Extract<FrontReport, { type: T }>);
        },
      });
    });
  }

  /** Changes the mapping and waits for the acknowledgement. */
  async route(set: readonly ContextRoute[], remove: readonly string[] = []): Promise<void> {
    const revision = ++this.#revision;
    const applied = this.report('routes-applied', (report) => report.revision === revision);
    this.send({ type: 'routes', revision, set, remove });
    await applied;
  }

  async counts(): Promise<FrontCounts> {
    const id = ++this.#revision;
    const counts = this.report('counts', (report) => report.id === id);
    this.send({ type: 'report', id });
    return (await counts).counts;
  }

  /** What was counted last for a context, whoever asked for it. */
  async countsOf(context: string): Promise<ContextCounts | undefined> {
    await this.counts();
    const all = this.reports.flatMap((report) => (report.type === 'counts' ? report.counts.contexts : []));
    return all.findLast((one) => one.context === context);
  }

  /** How many requests of a context have met limits, by reason. */
  async limited(context: string): Promise<Record<string, number>> {
    await this.counts();
    const sums: Record<string, number> = {};
    for (const report of this.reports) {
      const contexts = report.type === 'counts' ? report.counts.contexts : [];
      for (const counts of contexts.filter((one) => one.context === context))
        for (const [reason, count] of Object.entries(counts.limited ?? {}))
          sums[reason] = (sums[reason] ?? 0) + count;
    }
    return sums;
  }

  /** Resolves when so many requests of a context wait. */
  async queues(context: string, count: number): Promise<void> {
    await until(
      `${count} requests wait for ${context}`,
      async () => ((await this.countsOf(context))?.queued ?? 0) === count,
    );
  }

  async stop(): Promise<void> {
    this.socket.close();
    await this.kill();
  }

  /** Ends the process and leaves the socket open, for a successor. */
  async kill(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill('SIGKILL');
    await this.exited;
  }
}

/** A route of a context named by its path. */
export function routeOf(path: string, target: RouteTarget, more: Partial<ContextRoute> = {}): ContextRoute {
  const application = path === '' ? 'ROOT' : path.slice(1).replaceAll('/', '#');
  return { context: path, path, application, version: '', target, maxBodyBytes: 10_000_000, ...more };
}

/** A target that answers with these instances. */
export function processTarget(
  deployment: string,
  instances: readonly InstanceAddress[],
  more: Partial<Extract<RouteTarget, { kind: 'process' }>> = {},
): RouteTarget {
  return { kind: 'process', deployment, instances, prefix: 'strip', responseTimeoutMs: 0, ...more };
}
