import type { ProcessLimits } from '../../config/instance-settings.js';
import type { LimitExcess } from '../instance-end.js';
import type { SlotProcess } from '../slot-process.js';
import { LimitWatch } from './limit-watch.js';

/** Told with the instance, what it used, and what follows. */
type Exceeded = (instance: string, excess: LimitExcess, action: ProcessLimits['exceeded']) => void;

/** Looks at the processes of one deployment for what they use, and does what is configured. Belongs to the deployment. */
export class MeasuredLimits {
  readonly #limits: ProcessLimits;
  readonly #exceeded: Exceeded;
  readonly #watches = new WeakMap<SlotProcess, LimitWatch>();

  constructor(limits: ProcessLimits, exceeded: Exceeded) {
    this.#limits = limits;
    this.#exceeded = exceeded;
  }

  async look(process: SlotProcess): Promise<void> {
    const { stats, pid } = process;
    if (stats === undefined || pid === undefined) return;
    const { exceeded } = this.#limits;
    const watch = this.#watches.get(process) ?? new LimitWatch(this.#limits, process.isCpuHeld);
    this.#watches.set(process, watch);
    const cpuSeconds = (stats.cpuUserMicros + stats.cpuSystemMicros) / 1_000_000;
    for (const excess of [watch.cpu(performance.now(), cpuSeconds), await watch.files(pid)]) {
      if (excess === undefined || process.hasExited) continue;
      this.#exceeded(process.address.instance, excess, exceeded);
      if (exceeded === 'restart') process.kill(`${excess.reason}, and was killed`);
    }
  }
}
