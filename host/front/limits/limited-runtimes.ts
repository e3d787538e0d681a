import type { Runtime } from '../../runtime/mount.js';
import type { DeploymentCounters } from '../deployment-counters.js';
import type { FrontSettings, RouteLimits } from '../messages.js';
import { LimitedRuntime } from './limited-runtime.js';

/**
 * The limits of the deployments of one front: made with the first route that has some, kept over changes of the route. A
 * front that is one of several allows its part. Owned by the mapping.
 */
export class LimitedRuntimes {
  readonly #settings: Pick<FrontSettings, 'fronts' | 'retryAfterSeconds'>;
  readonly #limited = new Map<string, LimitedRuntime>();

  constructor(settings: Pick<FrontSettings, 'fronts' | 'retryAfterSeconds'>) {
    this.#settings = settings;
  }

  /** The runtime behind its limits. */
  around(runtime: Runtime, limits: RouteLimits, deployment: DeploymentCounters): Runtime {
    const part = this.#partOf(limits);
    const known = this.#limited.get(deployment.deployment);
    if (known !== undefined) {
      known.configure(runtime, part);
      return known;
    }
    const limited = new LimitedRuntime(runtime, part, deployment, this.#settings.retryAfterSeconds);
    this.#limited.set(deployment.deployment, limited);
    return limited;
  }

  /** All others are not in the mapping any more, and what waited there has gone on. */
  retain(deployments: ReadonlySet<string>): void {
    for (const deployment of this.#limited.keys())
      if (!deployments.has(deployment)) this.#limited.delete(deployment);
  }

  #partOf({ concurrency, queue, outputBytesPerSecond }: RouteLimits): RouteLimits {
    const fronts = this.#settings.fronts ?? 1;
    return {
      queue,
      ...(concurrency === undefined ? {} : { concurrency: Math.ceil(concurrency / fronts) }),
      ...(outputBytesPerSecond === undefined ? {} : { outputBytesPerSecond: outputBytesPerSecond / fronts }),
    };
  }
}
