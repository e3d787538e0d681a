import type { KeptWarm, Probations } from '../rollout/probation.js';
import type { Retirements } from '../rollout/retirements.js';
import { RolloutFailure } from '../rollout/rollout-failure.js';
import { targetOf } from '../route/context-route.js';
import type { RoutePublisher } from '../route/route-publisher.js';
import { mayServe, type Running } from '../version.js';
import type { LiveRole, LiveVersions } from './live-versions.js';
import type { SideVersions } from './side-versions.js';

/** What a changeover works on; all of one place. */
export interface ChangeoverParts {
  readonly live: LiveVersions;
  readonly sides: SideVersions;
  readonly publisher: RoutePublisher;
  readonly retirements: Retirements;
  readonly probations: Probations;
  readonly isDevelopment: boolean;
  /** The status of a version may have changed. */
  readonly changed: (name: string) => void;
}

/** How something begins to be live beside the active one. */
export interface BesideStart {
  readonly role: LiveRole;
  /** Called before the fronts hear of it. */
  readonly ready: ((running: Running) => void) | undefined;
}

/**
 * How a deployment comes among those that are live, and how it leaves them: the fronts are told first, and what is out
 * of the mapping drains. Decides nothing of its own. Owned by `Serving`, which calls its methods one after the other.
 */
export class Changeover {
  readonly #parts: ChangeoverParts;

  constructor(parts: ChangeoverParts) {
    this.#parts = parts;
  }

  /** The fronts change over to a deployment that is ready; what served before stays when they cannot. */
  async swap(running: Running): Promise<void> {
    const role = this.#parts.live.roleOf(running.version);
    const old = this.#parts.live.of(running.version);
    const before = this.#parts.live.activate(running);
    const keepsBefore = before !== undefined && before !== old && this.#keep(before);
    // Newer content of the same version: the older serves until the fronts have changed over.
    running.isMapped = old?.isMapped === true;
    await this.#tell(running, () => {
      this.#parts.live.activate(before);
      if (old !== undefined && role !== undefined) this.#parts.live.keep(old, role);
    });
    this.#parts.sides.activated(running);
    if (old !== undefined && old !== before) this.#supersede(old);
    if (before !== undefined && keepsBefore) this.#watch(running, before);
    else if (before !== undefined) this.#supersede(before, running);
  }

  /** The fronts know a deployment that is ready beside the one that serves. */
  async join(running: Running, { role, ready }: BesideStart): Promise<void> {
    const before = this.#parts.live.roleOf(running.version);
    const old = this.#parts.live.of(running.version);
    this.#parts.live.keep(running, role);
    ready?.(running);
    await this.#tell(running, () => {
      this.#parts.live.release(running);
      if (old !== undefined && before !== undefined) this.#parts.live.keep(old, before);
    });
    if (old !== undefined) this.#supersede(old);
  }

  /**
   * A version that is live beside the active one takes its place; nothing is started. It is on probation, as after a
   * swap, unless it has been a canary and was judged already.
   */
  async promote(running: Running): Promise<void> {
    const before = this.#parts.live.activate(running);
    const keepsBefore = before !== undefined && this.#keep(before);
    await this.#parts.publisher.publishOrLog();
    this.#parts.sides.activated(running);
    if (before === undefined) return;
    const isJudged = running.prepared.manifest.settings.canary !== undefined;
    if (!keepsBefore) this.#supersede(before);
    else if (!isJudged) this.#watch(running, before);
  }

  /** It is not to be live beside the active one any more. Resolves when the fronts know; its end takes its time. */
  async dismiss(running: Running): Promise<void> {
    const { live, probations, publisher, retirements } = this.#parts;
    if (!live.release(running)) return;
    probations.end(running);
    const { version } = running;
    if (running.gaveUp === undefined) version.activity ??= 'draining';
    await publisher.publishOrLog();
    void retirements.add(running, drainTimeOf(running)).then(() => {
      if (version.activity === 'draining') version.activity = undefined;
      this.#parts.changed(version.name);
    });
  }

  /** It is not to serve any more: drain first, while the path says so when nobody else serves. */
  async vacate(running: Running): Promise<void> {
    const { version } = running;
    if (running.gaveUp === undefined) version.activity ??= 'draining';
    this.takeOut(running);
    await this.#parts.publisher.publishOrLog();
    await this.#parts.retirements.add(running, drainTimeOf(running));
    if (version.activity === 'draining') version.activity = undefined;
  }

  /** Out of what is live; the fronts are not told. */
  takeOut(running: Running): void {
    this.#parts.probations.end(running);
    if (!this.#parts.live.release(running)) this.#parts.live.activate(undefined);
  }

  /** The fronts hear of something new. When they cannot, `undo` puts back what was live; throws RolloutFailure. */
  async #tell(running: Running, undo: () => void): Promise<void> {
    const { publisher, retirements } = this.#parts;
    try {
      await publisher.publish();
      running.isMapped = true;
      running.entry.step('serving');
    } catch (error) {
      undo();
      await publisher.publishOrLog();
      void retirements.add(running, 0);
      const failure = new RolloutFailure(running.version.name, 'swap', error);
      running.entry.step('failed', { cause: failure.reason });
      throw failure;
    }
  }

  /** What served stays live beside the one that replaces it, for the clients it has. False: it is not to, or cannot. */
  #keep(before: Running): boolean {
    if (!mayServe(before.version) || !this.#parts.sides.mayKeep(before)) return false;
    this.#parts.live.keep(before, 'old');
    return true;
  }

  /** What is out of the mapping, since another serves in its place. */
  #supersede(old: Running, newer?: Running): void {
    const warm = newer === undefined ? undefined : this.#watch(newer, old);
    void this.#parts.retirements.add(old, old.prepared.manifest.settings.drainTimeoutMs, warm);
  }

  /** `newer` is on probation. The result is `old` if that is to be kept warm; what is still live is so anyway. */
  #watch(newer: Running, old: Running): KeptWarm | undefined {
    if (old.gaveUp !== undefined || this.#parts.isDevelopment) return undefined;
    return this.#parts.probations.begin(newer, old);
  }
}

/** What has no address has nothing in flight. */
function drainTimeOf(running: Running): number {
  return targetOf(running) === undefined ? 0 : running.prepared.manifest.settings.drainTimeoutMs;
}
