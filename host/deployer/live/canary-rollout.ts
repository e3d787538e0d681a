import { compareVersions } from '../../bundle/compare-versions.js';
import type { CanarySettings } from '../../config/version-settings.js';
import { type Place, shownPlace } from '../place.js';
import type { ErrorCounts } from '../rollout/error-rate.js';
import type { ServingParts } from '../serving-parts.js';
import type { Running, Version } from '../version.js';
import type { CanaryStatus } from './canaries.js';
import { CanaryRun } from './canary-run.js';
import type { LiveRole, LiveVersions } from './live-versions.js';

/** What a canary needs of whoever owns it. All that wait are called one after the other only. */
export interface CanaryHost {
  readonly live: LiveVersions;
  /** As in `SideServing`. */
  launchBeside(version: Version, role: LiveRole, ready?: (running: Running) => void): Promise<boolean>;
  publish(): Promise<void>;
  /** What was counted of it until now. */
  count(running: Running): ErrorCounts;
  log(level: 'info' | 'warn', event: string, version: Version, message: string, fields: object): void;
}

/**
 * The one canary of a place: which version becomes it, its way through the steps of `CanaryRun`, and how it ends. Owned by
 * `SideVersions`, which looks at it from time to time.
 */
export class CanaryRollout {
  readonly #place: Place;
  readonly #parts: ServingParts;
  readonly #host: CanaryHost;
  #current: { readonly running: Running; readonly run: CanaryRun } | undefined;

  constructor(place: Place, parts: ServingParts, host: CanaryHost) {
    this.#place = place;
    this.#parts = parts;
    this.#host = host;
  }

  /** It comes into use step by step, beside what it is to replace, and has not done so yet. */
  isTrial(version: Version): boolean {
    const { prepared } = version;
    if (this.#parts.isDevelopment || this.#parts.routes.countsOf === undefined) return false;
    if (prepared?.manifest.settings.canary === undefined || this.#host.live.active?.version === version)
      return false;
    return this.#parts.memory.decisionOf(version.name, prepared.key) !== 'promoted';
  }

  /** Percent of the new clients that the canary gets; 0 without one. */
  get share(): number {
    return this.#current?.run.share ?? 0;
  }

  isOf(running: Running): boolean {
    return this.#current?.running === running;
  }

  /** The canary that is under way. */
  status(): CanaryStatus | undefined {
    const { active } = this.#host.live;
    if (this.#current === undefined || active === undefined) return undefined;
    const { running, run } = this.#current;
    const { steps, intervalMs, minRequests, maxErrorRate } = run.settings;
    const { requests, errors } = run.countsOf(this.#host.count(running));
    return {
      name: running.version.name,
      replaces: active.version.name,
      path: shownPlace(this.#place.id),
      step: run.step + 1,
      steps,
      share: run.share,
      stepForMs: Math.round(run.sinceMs(performance.now())),
      intervalMs,
      requests,
      errors,
      minRequests,
      maxErrorRate,
    };
  }

  /** Brings about that the highest trial is the canary, if it is newer than what serves. `candidates`: no shadows. */
  async settle(candidates: readonly Version[], active: Running): Promise<void> {
    const { live } = this.#host;
    const version = candidates.find((one) => this.isTrial(one));
    for (const { running, role } of live.beside)
      if (role === 'canary' && running.version !== version) live.keep(running, 'old');
    const { prepared } = version ?? {};
    const settings = prepared?.manifest.settings.canary;
    if (version === undefined || prepared === undefined || settings === undefined) return;
    if (!isNewer(version, active.version)) return;
    const running = live.sound(version);
    if (running !== undefined && live.roleOf(version) === 'canary' && this.isOf(running)) return;
    this.#parts.memory.pardon(version.name, prepared.key);
    if (running !== undefined) {
      live.keep(running, 'canary');
      this.#begin(running, settings, active);
      await this.#host.publish();
    } else {
      const begin = (started: Running): void => this.#begin(started, settings, active);
      if (!(await this.#host.launchBeside(version, 'canary', begin))) return;
    }
    const share = settings.steps[0];
    this.#host.log('info', 'canary-started', version, `gets ${share} % of the new clients`, { share });
  }

  /** What is not live as a canary any more is none. */
  forgetEnded(): void {
    if (!this.#isUnderWay()) this.#current = undefined;
  }

  /** Takes it a step further when it is time; true: something is to be brought about. */
  look(): boolean {
    const { running, run } = this.#current ?? {};
    const { active } = this.#host.live;
    if (running === undefined || run === undefined || active === undefined || !this.#isUnderWay())
      return false;
    const verdict = run.look(performance.now(), this.#host.count(running), this.#host.count(active));
    switch (verdict.kind) {
      case 'stay':
        return false;
      case 'step': {
        const { share } = verdict;
        const message = `gets ${share} % of the new clients`;
        this.#host.log('info', 'canary-step', running.version, message, { step: run.step + 1, share });
        return true;
      }
      case 'promote':
        this.promote('has passed its last step; it serves all new clients');
        return true;
      case 'abort':
        this.abort(verdict.reason);
        return true;
    }
  }

  /** It serves everybody from the next settling on. */
  promote(reason: string): void {
    const { running, run } = this.#current ?? {};
    if (running === undefined || run === undefined) return;
    const { version } = running;
    this.#decide(running, 'promoted');
    this.#host.log('info', 'canary-promoted', version, reason, { step: run.step + 1 });
  }

  /** It ends with the next settling, and is not tried again by itself. */
  abort(reason: string): void {
    const { running, run } = this.#current ?? {};
    if (running === undefined || run === undefined) return;
    const { version, prepared } = running;
    this.#decide(running, 'aborted');
    version.wish = 'failed';
    version.reason = `canary aborted: ${reason}`;
    version.rejected = prepared.key;
    const { requests, errors } = run.countsOf(this.#host.count(running));
    this.#host.log('warn', 'canary-aborted', version, reason, {
      step: run.step + 1,
      share: run.share,
      requests,
      errors,
    });
  }

  /** The supervisor may have given it up; why is noted with the version. */
  noteFailure(): void {
    const { running, run } = this.#current ?? {};
    if (running?.gaveUp === undefined || run === undefined) return;
    this.#decide(running, 'aborted');
    this.#host.log('warn', 'canary-aborted', running.version, running.gaveUp, {
      step: run.step + 1,
      share: run.share,
    });
  }

  #begin(running: Running, settings: CanarySettings, active: Running): void {
    const counts = this.#host.count(running);
    const run = new CanaryRun(settings, performance.now(), counts, this.#host.count(active));
    this.#current = { running, run };
  }

  #decide({ version, prepared }: Running, decision: 'promoted' | 'aborted'): void {
    this.#parts.memory.decide(version.name, prepared.key, decision);
    this.#current = undefined;
  }

  #isUnderWay(): boolean {
    const running = this.#current?.running;
    const { live } = this.#host;
    return running !== undefined && live.has(running) && live.roleOf(running.version) === 'canary';
  }
}

function isNewer(version: Version, than: Version): boolean {
  return compareVersions(version.order.context.version, than.order.context.version) > 0;
}
