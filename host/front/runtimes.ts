import { within } from '../deadline.js';
import { messageOf } from '../errors.js';
import type { Departure } from '../lifecycle/departure.js';
import { ErrorPageRuntime } from '../runtime/error-page-runtime.js';
import type { Runtime } from '../runtime/mount.js';
import { ProcessRuntime } from '../runtime/process/process-runtime.js';
import { QueueRuntime } from '../runtime/queue-runtime.js';
import { RedirectRuntime } from '../runtime/redirect-runtime.js';
import { StaticSite } from '../runtime/static/static-site.js';
import { UnavailableRuntime } from '../runtime/unavailable-runtime.js';
import type { UpstreamFailures } from '../runtime/upstream/upstream-pool.js';
import type { UpstreamRuntime } from '../runtime/upstream/upstream-runtime.js';
import type { LineLimits } from '../runtime/waiting-line.js';
import type { ContextRoute, FrontSettings } from './messages.js';
import { StickyRuntime } from './sticky-runtime.js';
import { type SingleTarget, singleTargets } from './target-deployments.js';

/** How a route is called. */
export type RouteNames = Pick<ContextRoute, 'context' | 'path' | 'application'>;

/** What runtimes tell the outside. */
export interface RuntimeEvents {
  instanceLost(instance: string, reason: string): void;
  deploymentIdle(deployment: string): void;
  wanted(context: string): void;
  /** `route`: one of those that its deployment has. */
  upstreamFailed(route: RouteNames, failures: readonly UpstreamFailures[]): void;
  /** Something failed that no request is to blame for. */
  problem(message: string): void;
}

/**
 * The runtimes of one front: one for each deployment, made when a route first names it, reused while any route does,
 * retired when none does, and gone when it is idle.
 */
export class Runtimes {
  readonly #settings: FrontSettings;
  readonly #events: RuntimeEvents;
  readonly #active = new Map<string, Runtime>();
  readonly #retired = new Map<string, Runtime>();
  readonly #sweeper: NodeJS.Timeout;
  #Upstream: typeof UpstreamRuntime | undefined;

  constructor(settings: FrontSettings, events: RuntimeEvents) {
    this.#settings = settings;
    this.#events = events;
    this.#sweeper = setInterval(this.#sweep, SWEEP_MS);
    this.#sweeper.unref();
  }

  /** Loads what these routes need and few hosts do. Call before `runtimeFor`. */
  async load(routes: readonly ContextRoute[]): Promise<void> {
    const isNeeded = () =>
      routes.some(({ target }) => singleTargets(target).some(({ kind }) => kind === 'upstream'));
    if (this.#Upstream !== undefined || !isNeeded()) return;
    this.#Upstream = (await import('../runtime/upstream/upstream-runtime.js')).UpstreamRuntime;
  }

  /** The runtime for a route with one target that is about to enter the mapping. Connections to new instances begin at once. */
  runtimeFor(route: RouteNames, target: SingleTarget): Runtime {
    if (target.kind === 'unavailable') {
      const isLazy = target.state === 'lazy';
      if (isLazy || target.queue !== undefined) {
        const onWanted = isLazy ? () => this.#events.wanted(route.context) : undefined;
        return new QueueRuntime(target, target.queue ?? NO_LINE, onWanted);
      }
      if (target.page !== undefined) return new ErrorPageRuntime(target.page);
      return new UnavailableRuntime(target.reason, target.retryAfterSeconds);
    }
    const { deployment } = target;
    const existing = this.#active.get(deployment) ?? this.#revived(deployment);
    const runtime = this.#updated(existing, target) ?? this.#create(target, route);
    this.#active.set(deployment, runtime);
    return runtime;
  }

  /** Resolves when all connections are up or have failed, or after `deadlineMs`. */
  async connected(deadlineMs: number): Promise<void> {
    const attempts: Promise<void>[] = [];
    for (const runtime of this.#active.values())
      if (runtime instanceof ProcessRuntime && runtime.isConnecting) attempts.push(runtime.connected());
    if (attempts.length === 0) return;
    await within(Promise.all(attempts), deadlineMs);
  }

  /** Retires every deployment that is not among these: the mapping no longer names it. `departureOf` says why. */
  retain(deployments: ReadonlySet<string>, departureOf: (deployment: string) => Departure): void {
    for (const [deployment, runtime] of this.#active) {
      if (deployments.has(deployment)) continue;
      this.#active.delete(deployment);
      this.#retired.set(deployment, runtime);
      runtime.retire(() => this.#forget(deployment, runtime), departureOf(deployment));
    }
  }

  /** Asks all tunnels to close; the front is about to end. */
  drain(): void {
    for (const runtime of this.#active.values()) runtime.retire(() => undefined, 'ended');
  }

  /** Gives up everything. */
  close(): void {
    clearInterval(this.#sweeper);
    for (const runtime of this.#all()) runtime.close?.();
  }

  *#all(): Iterable<Runtime> {
    yield* this.#active.values();
    yield* this.#retired.values();
  }

  #revived(deployment: string): Runtime | undefined {
    const runtime = this.#retired.get(deployment);
    if (runtime === undefined) return undefined;
    this.#retired.delete(deployment);
    runtime.revive();
    return runtime;
  }

  /** The runtime itself, with new settings, if it can take them. */
  #updated(runtime: Runtime | undefined, target: RunningTarget): Runtime | undefined {
    if (target.kind === 'process' && runtime instanceof ProcessRuntime) {
      runtime.configure({ ...target, ...this.#settings });
      return runtime;
    }
    if (target.kind === 'static' && runtime instanceof StaticSite) return runtime;
    const Upstream = this.#Upstream;
    if (Upstream === undefined || target.kind !== 'upstream' || !(runtime instanceof Upstream))
      return undefined;
    runtime.use(target.urls);
    return runtime;
  }

  #create(target: RunningTarget, route: RouteNames): Runtime {
    switch (target.kind) {
      case 'process': {
        const Kind = target.isSticky === true ? StickyRuntime : ProcessRuntime;
        return new Kind({ ...target, ...this.#settings }, this.#events.instanceLost);
      }
      case 'static':
        return new StaticSite(target.folder, (thrown) =>
          this.#events.problem(`A file of ${target.deployment} could not be read: ${messageOf(thrown)}`),
        );
      case 'redirect':
        return new RedirectRuntime(target);
      case 'upstream':
        if (this.#Upstream === undefined) throw new Error('load() was not called for an upstream route');
        return new this.#Upstream({
          urls: target.urls,
          strippedPath: target.prefix === 'strip' ? route.path : '',
          tunnelCloseMs: this.#settings.tunnelCloseMs,
          limits: target.responseTimeoutMs === undefined ? {} : { responseMs: target.responseTimeoutMs },
          queue: target.queue,
          onFailures: (failures) => this.#events.upstreamFailed(route, failures),
        });
    }
  }

  #forget(deployment: string, runtime: Runtime): void {
    if (this.#retired.get(deployment) !== runtime) return;
    this.#retired.delete(deployment);
    runtime.close?.();
    this.#events.deploymentIdle(deployment);
  }

  readonly #sweep = (): void => {
    const now = performance.now();
    for (const runtime of this.#all()) runtime.sweep?.(now);
  };
}

type RunningTarget = Exclude<SingleTarget, { kind: 'unavailable' }>;

/** Requests start a lazy application and are sent away. */
const NO_LINE: LineLimits = { size: 0, timeoutMs: 0 };
/** Precision of response timeouts and of the end of tunnels. */
const SWEEP_MS = 250;
