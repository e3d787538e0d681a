import type { ScalingSettings } from '../config/instance-settings.js';

/** What is known of the processes of a deployment at one moment. */
export interface Load {
  /** Milliseconds of a monotonic clock. */
  readonly nowMs: number;
  /** Those that run or are being started. */
  readonly instances: number;
  /** Utilisation of the event loops, 0 to 1, on average of those that run. */
  readonly utilization: number;
  /** Open requests for each of those that run. */
  readonly open: number;
}

/** How long the load must last before one more is started; a single busy second is none. */
const SUSTAINED_MS = 3000;

/**
 * Decides how the number of processes follows the load: up soon, down late, one at a time. Remembers since when there
 * have been too few, and too many; belongs to one deployment.
 */
export class ScalingPolicy {
  readonly #settings: ScalingSettings;
  readonly #min: number;
  #fewSince: number | undefined;
  #manySince: number | undefined;

  constructor(min: number, settings: ScalingSettings) {
    this.#min = min;
    this.#settings = settings;
  }

  /** What is to be done now; `undefined`: nothing. After `up` and `down` the load has to last anew. */
  decide({ nowMs, instances, utilization, open }: Load): 'up' | 'down' | undefined {
    const { max, upAbove, downBelow, queue, coolDownMs } = this.#settings;
    const isQueued = open > queue && utilization >= downBelow;
    const areFew = utilization > upAbove || isQueued;
    // With one less, the others must not be too busy at once.
    const after = (utilization * instances) / Math.max(1, instances - 1);
    const areMany = !isQueued && utilization < downBelow && after < upAbove;
    this.#fewSince = areFew ? (this.#fewSince ?? nowMs) : undefined;
    this.#manySince = areMany ? (this.#manySince ?? nowMs) : undefined;
    const sustainedMs = Math.min(SUSTAINED_MS, coolDownMs);
    if (this.#fewSince !== undefined && nowMs - this.#fewSince >= sustainedMs && instances < max)
      return this.#decided('up');
    if (this.#manySince !== undefined && nowMs - this.#manySince >= coolDownMs && instances > this.#min)
      return this.#decided('down');
    return undefined;
  }

  #decided(what: 'up' | 'down'): 'up' | 'down' {
    this.#fewSince = this.#manySince = undefined;
    return what;
  }
}
