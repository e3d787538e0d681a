import { ClosedRuntime } from '../runtime/closed-runtime.js';
import type { Mount, Runtime } from '../runtime/mount.js';
import type { ContextCounters } from './counters.js';
import type { DeploymentCounters } from './deployment-counters.js';
import { goesOn } from './goes-on.js';
import { giveUpWaiting, handOver } from './hand-over.js';
import { type Hosted, HostMapper } from './host-mapper.js';
import { DEFAULT_HOST } from './host-names.js';
import { LimitedRuntimes } from './limits/limited-runtimes.js';
import { Mapper } from './mapper.js';
import type { ContextRoute, FrontSettings } from './messages.js';
import type { Runtimes } from './runtimes.js';
import { deploymentsOf } from './target-deployments.js';
import type { TrafficCounts } from './traffic-counts.js';
import { VersionsRuntime } from './versions/versions-runtime.js';

/** A context as requests see it. Immutable, except for what is counted. */
export interface MappedContext extends Mount, Hosted {
  readonly route: ContextRoute;
  readonly runtime: Runtime;
  readonly counters: ContextCounters;
  /** Undefined where no deployment answers, or where the runtime decides which one does. */
  readonly deployment: DeploymentCounters | undefined;
  /** The application sees the path behind the context path. */
  readonly isStripped: boolean;
  /** Those of several live versions. */
  readonly versions?: readonly MappedContext[];
}

/**
 * The mapping of one front: takes changes one after the other, prepares what they need, then puts a new mapper in the
 * place of the old. Requests read what is current and never wait.
 */
export class Mapping {
  readonly #runtimes: Runtimes;
  readonly #counts: TrafficCounts;
  readonly #limits: LimitedRuntimes;
  readonly #contexts = new Map<string, MappedContext>();
  #mapper = new Mapper<MappedContext>([]);
  /** Undefined: there are no virtual hosts, and `mapper` is asked. */
  #hosts: HostMapper<MappedContext> | undefined;
  /** Made when somebody asks, after each change anew. */
  #byApplication: Map<string, MappedContext> | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(
    runtimes: Runtimes,
    counts: TrafficCounts,
    hasVirtualHosts: boolean,
    settings: Pick<FrontSettings, 'fronts' | 'retryAfterSeconds'>,
  ) {
    this.#limits = new LimitedRuntimes(settings);
    this.#runtimes = runtimes;
    this.#counts = counts;
    if (hasVirtualHosts) this.#hosts = HostMapper.empty();
  }

  /** Whether there are virtual hosts from now on; every context keeps its place. */
  useVirtualHosts(areThere: boolean): void {
    if (areThere === (this.#hosts !== undefined)) return;
    const contexts = [...this.#contexts.values()];
    this.#hosts = areThere ? HostMapper.empty<MappedContext>().with(contexts, []) : undefined;
    this.#replaceMapper([], []);
  }

  /** The contexts by path, for a front without virtual hosts. */
  get mapper(): Mapper<MappedContext> {
    return this.#mapper;
  }

  /** The context for a path on a host, for a front with virtual hosts. */
  findOn(host: string, path: string): MappedContext | undefined {
    return this.#hosts?.find(host, path);
  }

  /**
   * The context of an application, by its name without version. Where versions of it are at several places, the one whose id
   * comes first.
   */
  findApplication(name: string): MappedContext | undefined {
    if (this.#byApplication === undefined) {
      this.#byApplication = new Map();
      for (const mapped of this.#contexts.values()) {
        const { application, context } = mapped.route;
        const other = this.#byApplication.get(application);
        if (other === undefined || context < other.route.context)
          this.#byApplication.set(application, mapped);
      }
    }
    return this.#byApplication.get(name);
  }

  /**
   * Adds or replaces routes and removes others (by context id) in one step, after connections to new instances are up
   * or `CONNECT_DEADLINE_MS` has passed: no request meets a connection that is still being made. Changes are applied in
   * the order of the calls. Resolves when no new request can reach what was replaced.
   */
  apply(set: readonly ContextRoute[], remove: readonly string[]): Promise<void> {
    this.#last = this.#last.then(() => this.#apply(set, remove));
    return this.#last;
  }

  async #apply(set: readonly ContextRoute[], remove: readonly string[]): Promise<void> {
    await this.#runtimes.load(set);
    const prepared = set.map((route) => this.#map(route));
    await this.#runtimes.connected(CONNECT_DEADLINE_MS);
    const before = new Map(this.#contexts);
    for (const context of remove) {
      if (this.#contexts.delete(context)) this.#counts.retire(context);
    }
    for (const mapped of prepared) this.#contexts.set(mapped.route.context, mapped);
    this.#replaceMapper(
      prepared,
      remove.map((context) => before.get(context)).filter((one) => one !== undefined),
    );
    const deployments = this.#deployments();
    for (const context of [...remove, ...set.map((route) => route.context)])
      handOver(before.get(context), this.#contexts.get(context), deployments);
    this.#limits.retain(deployments);
    this.#counts.retainDeployments(deployments);
    const replaced = replacedBy(before, this.#contexts, deployments);
    this.#runtimes.retain(deployments, (one) => (replaced.has(one) ? 'replaced' : 'ended'));
  }

  /** What waits for an application to start is answered: the front is about to end. */
  giveUpWaiting(): void {
    for (const mapped of this.#contexts.values()) giveUpWaiting(mapped);
  }

  #replaceMapper(set: readonly MappedContext[], remove: readonly MappedContext[]): void {
    this.#byApplication = undefined;
    if (this.#hosts !== undefined) this.#hosts = this.#hosts.with(set, remove);
    // A context that asks for a host, which cannot be there, is nowhere.
    else this.#mapper = new Mapper([...this.#contexts.values()].filter(({ host }) => host === DEFAULT_HOST));
  }

  #map(route: ContextRoute): MappedContext {
    const mapped = this.#mapTarget(route);
    if (route.closed === undefined) return mapped;
    // The deployments behind it stay as they are, and are not blamed for what is answered in their place.
    return { ...mapped, runtime: new ClosedRuntime(route.closed), deployment: undefined, isStripped: false };
  }

  #mapTarget(route: ContextRoute): MappedContext {
    const { target } = route;
    const context = {
      route,
      path: route.path,
      host: route.host ?? DEFAULT_HOST,
      maxBodyBytes: route.maxBodyBytes,
      counters: this.#counts.countersOf(route.context, route.application),
    };
    if (target.kind === 'versions') {
      const versions = target.versions.map((one) => {
        const { version, target, maxBodyBytes, limits } = one;
        const { limits: _limits, closed: _closed, ...common } = route;
        const single = {
          ...common,
          version,
          target,
          maxBodyBytes,
          ...(limits === undefined ? {} : { limits }),
        };
        return { ...one, mapped: this.#map(single) };
      });
      return {
        ...context,
        deployment: undefined,
        runtime: new VersionsRuntime(target, versions),
        isStripped: false,
        versions: versions.map(({ mapped }) => mapped),
      };
    }
    const runtime = this.#runtimes.runtimeFor(route, target);
    const deployment =
      target.kind === 'unavailable' ? undefined : this.#counts.deploymentOf(target.deployment);
    return {
      ...context,
      deployment,
      runtime:
        route.limits === undefined || deployment === undefined
          ? runtime
          : this.#limits.around(runtime, route.limits, deployment),
      isStripped: target.kind === 'static' || ('prefix' in target && target.prefix === 'strip'),
    };
  }

  #deployments(): Set<string> {
    const named = new Set<string>();
    for (const { route } of this.#contexts.values())
      for (const deployment of deploymentsOf(route.target)) named.add(deployment);
    return named;
  }
}

const CONNECT_DEADLINE_MS = 2000;

/** Deployments that have left the mapping, of contexts in it that somebody else answers for. */
function replacedBy(
  before: ReadonlyMap<string, MappedContext>,
  after: ReadonlyMap<string, MappedContext>,
  deployments: ReadonlySet<string>,
): ReadonlySet<string> {
  const replaced = new Set<string>();
  for (const [context, { route }] of before) {
    const next = after.get(context);
    if (next?.route === route || next === undefined || !goesOn(next.route.target)) continue;
    for (const one of deploymentsOf(route.target)) if (!deployments.has(one)) replaced.add(one);
  }
  return replaced;
}
