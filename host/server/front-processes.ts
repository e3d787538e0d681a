import { fileURLToPath } from 'node:url';
import type { FrontStatus, TrafficTotals } from '../admin/traffic.js';
import { PorticoError } from '../errors.js';
import { type DrainReport, sumOfDrains } from '../front/drains/drain-report.js';
import type {
  ContextRoute,
  DeploymentCounts,
  FrontCommand,
  FrontReport,
  FrontSettings,
  OpenRequestQuery,
} from '../front/messages.js';
import type { RouteTable } from '../front/route-table.js';
import { Lifecycle } from '../lifecycle/lifecycle.js';
import type { ServerLog } from '../log/server-log.js';
import type { Closure } from '../runtime/closed-runtime.js';
import { CallLedger } from './call-ledger.js';
import { CurrentFrontSettings, type Maintained } from './current-front-settings.js';
import { FrontPlace } from './front-place.js';
import { type FrontConnector, FrontProcess, type OpenRequests } from './front-process.js';
import { IdleDeployments } from './idle-deployments.js';
import { LimitEvents } from './limit-events.js';
import { PublishedRoutes } from './published-routes.js';
import { FrontTotals } from './traffic-totals.js';

/** What the fronts of a server are started with. */
export interface FrontProcessesOptions {
  readonly settings: FrontSettings;
  /** Owned from here on: closed when draining begins. */
  readonly connectors: readonly FrontConnector[];
  readonly logger: ServerLog;
  /** The first fronts accept when this has settled, so that they know the applications. Default: at once. */
  readonly firstMapping?: Promise<unknown>;
  /** By which the next server knows the fronts, should this one be killed. */
  readonly mark?: string;
  /** How many fronts share the sockets. Default 1. */
  readonly count?: number;
  /** Program of a front. Default: the one of this installation. */
  readonly frontPath?: string;
  /** For a front to apply a change of the mapping; beyond it the front is replaced. Default 5000. */
  readonly ackTimeoutMs?: number;
  /** From spawn until it accepts. Default 10000. */
  readonly startTimeoutMs?: number;
  /** Silence after which a front is replaced; it is asked three times in this time. Default 10000. */
  readonly hangTimeoutMs?: number;
}

const REPORT_DEADLINE_MS = 1000;
/** A front that hangs longer is replaced, and its successor knows. */
const TELL_DEADLINE_MS = 10_000;

/**
 * The set of fronts: keeps them running, gives each the sockets and the mapping, adds up what they count. Owned by
 * the server; outlives every front. The sockets are held here too, so no connection is refused while a front is
 * replaced.
 */
export class FrontProcesses implements RouteTable {
  readonly #options: FrontProcessesOptions;
  readonly #lifecycle = new Lifecycle('front processes');
  readonly #routes = new PublishedRoutes();
  readonly #idle = new IdleDeployments();
  readonly #totals: FrontTotals;
  readonly #limitEvents: LimitEvents;
  readonly #places: readonly FrontPlace[];
  readonly #lostListeners: ((instance: string, reason: string) => void)[] = [];
  readonly #wantedListeners: ((context: string) => void)[] = [];
  readonly #settings: CurrentFrontSettings;
  #connectors: readonly FrontConnector[];
  readonly #paused = new Set<string>();
  /** By deployment: the last words of fronts that have drained. */
  readonly #drains = new Map<string, DrainReport[]>();
  /** Each process has a number of its own, also when it takes the place of another. */
  #serial = 0;

  constructor(options: FrontProcessesOptions) {
    this.#options = options;
    this.#limitEvents = new LimitEvents(options.logger);
    this.#totals = new FrontTotals(new CallLedger(options.logger));
    this.#settings = new CurrentFrontSettings(options.settings, options.count ?? 1);
    this.#connectors = options.connectors;
    this.#places = Array.from({ length: options.count ?? 1 }, (_, index) => new FrontPlace(index + 1));
  }

  /** Resolves when every front accepts. Rejects with `PORTICO_FRONT_START_FAILED`; then none is left. */
  async start(): Promise<void> {
    this.#lifecycle.apply('start');
    const fronts = this.#places.map((place) => this.#spawn(place));
    const starts = await Promise.all(fronts.map((front) => front.up));
    const failed = fronts[starts.indexOf(false)];
    if (failed === undefined) {
      if (this.#lifecycle.isEnding) return;
      this.#lifecycle.apply('finish starting');
      // One that ended while another was still starting.
      for (const place of this.#places) if (place.front === undefined) this.#replace(place, 0);
      return;
    }
    const reason = await failed.gone;
    if (!this.#lifecycle.isEnding) {
      this.#lifecycle.apply('fail');
      await this.#end(0);
    }
    throw new PorticoError(
      'PORTICO_FRONT_START_FAILED',
      `A front ${reason} before it accepted connections. See the lines above for its own message.`,
    );
  }

  async publish(set: readonly ContextRoute[], remove: readonly string[]): Promise<void> {
    const { came, left } = this.#routes.change(set, remove);
    const { revision } = this.#routes;
    const mapped = this.#places.filter(({ front }) => front?.isMapped === true);
    for (const context of remove) {
      this.#totals.forget(context);
      this.#limitEvents.forget(context);
    }
    for (const { context, application } of set) this.#totals.keep(context, application);
    for (const deployment of came) {
      this.#totals.deployments.keep(deployment);
      this.#idle.returned(deployment);
    }
    for (const deployment of left) {
      this.#totals.deployments.leave(deployment);
      this.#idle.removed(
        deployment,
        mapped.map(({ serial }) => serial),
      );
    }
    await Promise.all(mapped.map(({ front }) => front?.apply(revision, set, remove)));
  }

  whenIdle(deployment: string, deadlineMs: number): Promise<boolean> {
    return this.#idle.whenIdle(deployment, this.#routes.isMapped(deployment), deadlineMs);
  }

  countsOf(deployment: string): DeploymentCounts {
    return this.#totals.deployments.of(deployment);
  }

  async drainOf(deployment: string): Promise<DrainReport | undefined> {
    const asked = this.#places.map(({ front }) => front?.drainOf(deployment, REPORT_DEADLINE_MS));
    const reports = [...(await Promise.all(asked)), ...(this.#drains.get(deployment) ?? [])];
    const found = reports.filter((report) => report !== undefined);
    return found.length === 0 ? undefined : sumOfDrains(found);
  }

  /** How everything ended that the fronts had when `drain` was called, over all deployments. */
  drained(): DrainReport {
    return sumOfDrains([...this.#drains.values()].flat());
  }

  onInstanceLost(listener: (instance: string, reason: string) => void): void {
    this.#lostListeners.push(listener);
  }

  onWanted(listener: (context: string) => void): void {
    this.#wantedListeners.push(listener);
  }

  /** Tells every front; resolves when they have done it, or the time is up. Those that begin later know. */
  async tell(command: FrontCommand): Promise<void> {
    for (const { front } of this.#places) front?.tell(command);
    await this.#heard();
  }

  /** One more connector, owned from here on. Every front gets it, now or when it begins. */
  add(connector: FrontConnector): void {
    this.#connectors = [...this.#connectors, connector];
    if (this.#lifecycle.isEnding) connector.socket.close();
    else for (const { front } of this.#places) void front?.listen(connector);
  }

  /**
   * Gives every front new settings, and those that are in force now of the connectors that are named. Resolves as `tell`.
   */
  async reconfigure(settings: FrontSettings, changed: readonly string[]): Promise<void> {
    this.#settings.given = settings;
    await this.#giveSettings(changed);
  }

  /** Nothing is served, by fronts of now and of later; undefined: as ever. Resolves when they know. */
  async close(closure: Closure | undefined): Promise<void> {
    this.#settings.suspended = closure;
    await this.#giveSettings([]);
  }

  /** Nothing is served at all, or on some virtual hosts, until told otherwise; a suspension stands above it. */
  async maintain(maintained: Maintained): Promise<void> {
    this.#settings.maintained = maintained;
    await this.#giveSettings([]);
  }

  /** Accepts nothing on a connector, or accepts again. Harmless when repeated. Resolves when the fronts know. */
  async pause(name: string, isPaused: boolean): Promise<void> {
    const connector = this.#connectors.find(({ socket }) => socket.connector === name);
    if (connector === undefined || this.#paused.has(name) === isPaused) return;
    if (isPaused) this.#paused.add(name);
    else this.#paused.delete(name);
    if (isPaused) for (const { front } of this.#places) front?.tell({ type: 'pause', connector: name });
    else await Promise.all(this.#places.map(({ front }) => front?.listen(connector)));
    await this.#heard();
  }

  isPaused(connector: string): boolean {
    return this.#paused.has(connector);
  }

  /** The totals as last reported; at most a second old. What a killed front had not reported is missing. */
  totals(): TrafficTotals {
    return this.#totals.snapshot();
  }

  /** Asks every front first; one that does not answer within a second counts as last reported. */
  async report(): Promise<TrafficTotals> {
    await Promise.all(this.#places.map(({ front }) => front?.report(REPORT_DEADLINE_MS)));
    return this.totals();
  }

  /** What is open in all fronts, the oldest first; one that does not answer within a second is left out. */
  async openRequests(query: OpenRequestQuery): Promise<OpenRequests> {
    const asked = this.#places.map(({ front }) => front?.openRequests(query, REPORT_DEADLINE_MS));
    const found = (await Promise.all(asked)).filter((one) => one !== undefined);
    const requests = found
      .flatMap((one) => one.requests)
      .sort((left, right) => right.ageMs - left.ageMs)
      .slice(0, query.limit);
    return { requests, total: found.reduce((sum, { total }) => sum + total, 0) };
  }

  status(): readonly FrontStatus[] {
    return this.#places.map(({ number, front, restarts, retry }) => ({
      number,
      pid: front?.pid,
      state: this.#stateOf(front, retry !== undefined),
      restarts,
      startedAt: front?.startedAt,
    }));
  }

  /** True when at least one front accepts. */
  get isListening(): boolean {
    return this.#places.some(({ front }) => front?.isUp === true);
  }

  /**
   * Closes the sockets and lets the fronts finish what is in flight; kills them at the deadline. Resolves when none
   * is left. Harmless when called twice.
   */
  async drain(deadlineMs: number): Promise<void> {
    if (this.#lifecycle.isEnding) return;
    this.#lifecycle.apply('stop');
    await this.#end(deadlineMs);
    this.#lifecycle.apply('finish stopping');
  }

  /** Ends the fronts now, cutting what is in flight. */
  kill(): void {
    for (const { front } of this.#places) front?.kill('was stopped by force');
  }

  async #giveSettings(changed: readonly string[]): Promise<void> {
    const connectors = this.#connectors
      .filter(({ socket }) => changed.includes(socket.connector))
      .map(({ socket, settings }) => ({ connector: socket.connector, settings }));
    for (const place of this.#places)
      place.front?.tell({ type: 'reconfigure', settings: this.#settings.of(place.number), connectors });
    await this.#heard();
  }

  /** What fronts were told is in force. */
  async #heard(): Promise<void> {
    await Promise.all(this.#places.map(({ front }) => front?.report(TELL_DEADLINE_MS)));
  }

  async #end(deadlineMs: number): Promise<void> {
    for (const place of this.#places) clearTimeout(place.retry);
    const drained = this.#places.map(({ front }) => front?.drain(deadlineMs));
    // Applications may call each other until nothing is in flight.
    for (const { socket, callKey } of this.#connectors) if (callKey === undefined) socket.close();
    await Promise.all(drained);
    for (const { socket } of this.#connectors) socket.close();
  }

  #spawn(place: FrontPlace): FrontProcess {
    this.#serial += 1;
    const serial = this.#serial;
    const { logger, frontPath, ackTimeoutMs, startTimeoutMs, hangTimeoutMs } = this.#options;
    const front = new FrontProcess({
      frontPath: frontPath ?? DEFAULT_FRONT,
      settings: () => this.#settings.of(place.number),
      connectors: () => this.#connectors,
      isPaused: (name) => this.#paused.has(name),
      mapping: () => ({ revision: this.#routes.revision, routes: this.#routes.all() }),
      firstMapping: this.#options.firstMapping ?? Promise.resolve(),
      received: (report) => this.#received(place, serial, report),
      mark: this.#options.mark,
      ackTimeoutMs: ackTimeoutMs ?? 5000,
      startTimeoutMs: startTimeoutMs ?? 10_000,
      hangTimeoutMs: hangTimeoutMs ?? 10_000,
    });
    const startedAt = performance.now();
    Object.assign(place, { serial, front, retry: undefined });
    // What the others have said before it was there.
    void front.up.then(() => this.#tellOpen());
    void front.gone.then((reason) => {
      place.front = undefined;
      place.open = {};
      this.#tellOpen();
      this.#totals.frontGone(serial);
      this.#idle.frontGone(serial);
      if (this.#lifecycle.state !== 'started') return;
      const fields = { event: 'front-ended', front: place.number, pid: front.pid, reason };
      logger.error(fields, `front ${place.number} ${reason}; another takes its place`);
      this.#replace(place, performance.now() - startedAt);
    });
    return front;
  }

  #replace(place: FrontPlace, livedMs: number): void {
    const delayMs = place.ended(livedMs);
    if (delayMs === 0) this.#spawn(place);
    else place.retry = setTimeout(() => this.#spawn(place), delayMs);
  }

  /** Each front hears what the others have, whenever one of them has said something else. */
  #tellOpen(): void {
    for (const place of this.#places)
      place.front?.tell({ type: 'open-elsewhere', open: place.openElsewhere(this.#places) });
  }

  #received(place: FrontPlace, serial: number, report: FrontReport): void {
    switch (report.type) {
      case 'open-connections':
        place.open = report.open;
        this.#tellOpen();
        break;
      case 'counts':
        this.#totals.add(serial, report.counts);
        this.#limitEvents.take(report.counts.contexts);
        break;
      case 'drained':
        for (const [deployment, drain] of report.drains ?? [])
          this.#drains.set(deployment, [...(this.#drains.get(deployment) ?? []), drain]);
        break;
      case 'upstream-failed':
        this.#limitEvents.upstreamFailed(report);
        break;
      case 'deployment-idle':
        this.#idle.frontIdle(serial, report.deployment);
        break;
      case 'instance-lost':
        for (const listener of this.#lostListeners) listener(report.instance, report.reason);
        break;
      case 'wanted':
        for (const listener of this.#wantedListeners) listener(report.context);
        break;
      default:
        break;
    }
  }

  #stateOf(front: FrontProcess | undefined, isWaiting: boolean): FrontStatus['state'] {
    if (front === undefined) return isWaiting && this.#lifecycle.state === 'started' ? 'waiting' : 'stopped';
    if (this.#lifecycle.state === 'stopping') return 'draining';
    return front.isUp ? 'running' : 'starting';
  }
}

const DEFAULT_FRONT = fileURLToPath(new URL('../front/main.js', import.meta.url));
