import type { DeploymentCounts } from '../../front/messages.js';
import type { Running } from '../version.js';

/** What an idle watch works with. */
export interface IdleWatchParts {
  /** What a deployment has answered until now, and what is open. */
  readonly countsOf: (deployment: string) => Pick<DeploymentCounts, 'requests' | 'inFlight' | 'tunnels'>;
  /** Something else than a request uses what serves, or other versions are live beside it. */
  readonly isInUse: () => boolean;
  /** Nobody has used `running` for so long; called again at every look until something changes. */
  readonly onIdle: (running: Running, idleMs: number) => void;
}

/** So many looks within the time of `idle.stopAfter`; it is kept that precisely. */
const LOOKS = 20;
const SHORTEST_LOOK_MS = 250;
const LONGEST_LOOK_MS = 10_000;

/**
 * Sees when what serves a context has not been used for the time of its `idle.stopAfter`: no request, no tunnel, nothing
 * in flight. Looks at counts, so that requests cost nothing. Owned by the context; owns one timer, only while something
 * serves that is to be stopped when it is idle.
 */
export class IdleWatch {
  readonly #parts: IdleWatchParts;
  #running: Running | undefined;
  #timer: NodeJS.Timeout | undefined;
  #requests = 0;
  #usedAt = 0;

  constructor(parts: IdleWatchParts) {
    this.#parts = parts;
  }

  /** This serves now; the time begins anew when it is another than before. What has no process is never idle. */
  watch(running: Running | undefined): void {
    if (running === this.#running) return;
    this.stop();
    const stopAfterMs = running?.prepared.manifest.settings.idle?.stopAfterMs ?? 0;
    if (running?.process === undefined || stopAfterMs === 0) return;
    this.#running = running;
    this.#requests = 0;
    this.used();
    const lookMs = Math.min(Math.max(stopAfterMs / LOOKS, SHORTEST_LOOK_MS), LONGEST_LOOK_MS);
    this.#timer = setInterval(() => this.#look(running, stopAfterMs), lookMs);
    this.#timer.unref();
  }

  /** It has just been used by something that fronts do not count. */
  used(): void {
    this.#usedAt = performance.now();
  }

  /** Whether it still is what `onIdle` said, by what is known now. */
  isIdle(running: Running): boolean {
    if (running !== this.#running) return false;
    const { stopAfterMs = 0 } = running.prepared.manifest.settings.idle ?? {};
    return this.#idleMs(running) >= stopAfterMs;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#running = undefined;
  }

  #look(running: Running, stopAfterMs: number): void {
    const idleMs = this.#idleMs(running);
    if (idleMs >= stopAfterMs) this.#parts.onIdle(running, idleMs);
  }

  #idleMs({ deployment }: Running): number {
    const { requests, inFlight, tunnels } = this.#parts.countsOf(deployment);
    if (requests !== this.#requests || inFlight > 0 || tunnels > 0 || this.#parts.isInUse()) this.used();
    this.#requests = requests;
    return performance.now() - this.#usedAt;
  }
}
