import type { RequestHead } from '../exchange/exchange.js';
import type { DeploymentTally } from '../runtime/mount.js';
import type { DrainTally } from './drains/drain-tally.js';
import type { DeploymentCounts } from './messages.js';

/**
 * What one deployment has answered in one front since the last report: numbers to judge a version by, whatever number of
 * contexts name it and whichever of several live versions of a context it is.
 */
export class DeploymentCounters implements DeploymentTally {
  readonly deployment: string;
  /** Current values. */
  inFlight = 0;
  tunnels = 0;
  /** Called when a request is over, where somebody waits for that. */
  onFinished: (() => void) | undefined;
  /** While it gets no new requests. */
  drain: DrainTally | undefined;
  /** Since the last report. */
  #requests = 0;
  #errors = 0;
  #pinned = 0;
  #skipped = 0;
  #reportedInFlight = 0;
  #reportedTunnels = 0;

  constructor(deployment: string) {
    this.deployment = deployment;
  }

  begin(): void {
    this.inFlight++;
  }

  /** `status` of the final response; 0: the client left before there was one, which says nothing of the application. */
  finish(status: number): void {
    this.inFlight--;
    this.#requests++;
    if (status >= 500) this.#errors++;
    this.onFinished?.();
  }

  /** A request that was begun here is answered elsewhere. */
  leave(): void {
    this.inFlight--;
  }

  cut(): void {
    this.#errors++;
  }

  doom(head: RequestHead): void {
    this.drain?.doom(head);
  }

  /** A request of a client that stays with this version. */
  pin(): void {
    this.#pinned++;
  }

  /** A copy of a request was not made. */
  skip(): void {
    this.#skipped++;
  }

  /** The counts since the last `take`; undefined when nothing has changed. */
  take(): DeploymentCounts | undefined {
    const { deployment, inFlight, tunnels } = this;
    const isSame = inFlight === this.#reportedInFlight && tunnels === this.#reportedTunnels;
    const isQuiet = this.#requests === 0 && this.#errors === 0 && this.#pinned === 0 && this.#skipped === 0;
    if (isSame && isQuiet) return undefined;
    const counts: DeploymentCounts = {
      deployment,
      requests: this.#requests,
      errors: this.#errors,
      inFlight,
      tunnels,
      ...(this.#pinned > 0 ? { pinned: this.#pinned } : {}),
      ...(this.#skipped > 0 ? { skipped: this.#skipped } : {}),
    };
    this.#requests = this.#errors = this.#pinned = this.#skipped = 0;
    this.#reportedInFlight = inFlight;
    this.#reportedTunnels = tunnels;
    return counts;
  }
}
