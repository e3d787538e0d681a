import type { DeploymentChange } from '../../supervisor/deployment-process.js';
import type { Running } from '../version.js';
import { countsSince, type ErrorCounts, errorRateOf, judgeErrorRate } from './error-rate.js';

/** A deployment out of the mapping that is kept alive until it is decided what becomes of it. */
export class KeptWarm {
  readonly running: Running;
  /** `returned`: it serves again; `over`: it is not needed any more. Never rejects. */
  readonly outcome: Promise<'returned' | 'over'>;
  #resolve: (outcome: 'returned' | 'over') => void = () => undefined;
  #isDecided = false;

  constructor(running: Running) {
    this.running = running;
    this.outcome = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get isDecided(): boolean {
    return this.#isDecided;
  }

  /** Only the first call counts. */
  settle(outcome: 'returned' | 'over'): void {
    this.#isDecided = true;
    this.#resolve(outcome);
  }
}

/** What a probation works with. */
export interface ProbationParts {
  /** What a deployment has answered until now. */
  readonly countsOf: (deployment: string) => ErrorCounts;
  /** `newer` has failed for this reason: what is warm is to serve again, or to be settled as over. Called once. */
  readonly goBack: (newer: Running, warm: KeptWarm, reason: string) => void;
}

/** How often the counts are looked at; the fronts report them once a second. */
const LOOK_MS = 500;

/**
 * The probation of one context; there is at most one. New content that has taken over is watched for a while; what it
 * has taken over from is kept warm meanwhile, and comes back when the new one answers too badly or crashes too often.
 * Owned by the context; owns one timer.
 */
export class Probations {
  readonly #parts: ProbationParts;
  #current: Probation | undefined;

  constructor(parts: ProbationParts) {
    this.#parts = parts;
  }

  /**
   * `newer` serves in the place of `superseded`. The result is `superseded` if it is to be kept warm. When that was on
   * probation itself it is not: what it would have gone back to stays warm instead, since nothing newer has proved itself.
   */
  begin(newer: Running, superseded: Running): KeptWarm | undefined {
    const before = this.#current;
    before?.stop();
    if (newer.prepared.manifest.settings.probation.windowMs === 0) {
      before?.warm.settle('over');
      return undefined;
    }
    const goesOn = before !== undefined && before.newer === superseded && !before.warm.isDecided;
    if (!goesOn) before?.warm.settle('over');
    const warm = goesOn ? before.warm : new KeptWarm(superseded);
    this.#current = new Probation(newer, warm, this.#parts);
    return goesOn ? undefined : warm;
  }

  /** It serves again if what has replaced it fails. */
  keepsWarm(running: Running): boolean {
    const { warm } = this.#current ?? {};
    return warm?.running === running && !warm.isDecided;
  }

  /** Something happened to a deployment, which may be the one on probation. */
  changed(running: Running, change: DeploymentChange): void {
    if (this.#current?.newer === running) this.#current.changed(change);
  }

  /** A deployment leaves the mapping, or its end is wanted: nobody goes back from it, or to it. */
  end(running: Running): void {
    const { newer, warm } = this.#current ?? {};
    if (newer !== running && warm?.running !== running) return;
    this.#current?.stop();
    warm?.settle('over');
  }
}

class Probation {
  readonly newer: Running;
  readonly warm: KeptWarm;
  readonly #parts: ProbationParts;
  readonly #timer: NodeJS.Timeout;
  readonly #endsAt: number;
  readonly #before: ErrorCounts;
  /** Of the old one, over its life: what fails anyway is not the fault of the new one. */
  readonly #usual: ErrorCounts;
  #crashes = 0;
  #isOver = false;

  constructor(newer: Running, warm: KeptWarm, parts: ProbationParts) {
    this.newer = newer;
    this.warm = warm;
    this.#parts = parts;
    this.#before = parts.countsOf(newer.deployment);
    this.#usual = parts.countsOf(warm.running.deployment);
    const { windowMs } = this.#settings;
    this.#endsAt = performance.now() + windowMs;
    this.#timer = setInterval(() => this.#look(), Math.min(LOOK_MS, windowMs));
    this.#timer.unref();
  }

  changed(change: DeploymentChange): void {
    const { maxCrashes } = this.#settings;
    if (change.kind === 'failed') this.#fail(`it crashed too often: ${change.reason}`);
    if (change.kind !== 'restarting') return;
    this.#crashes++;
    if (this.#crashes <= maxCrashes) return;
    const crashes = this.#crashes === 1 ? 'once' : `${this.#crashes} times`;
    this.#fail(
      `it crashed ${crashes}; probation.maxCrashes is ${maxCrashes}. The last time: ${change.reason}`,
    );
  }

  stop(): void {
    this.#isOver = true;
    clearInterval(this.#timer);
  }

  #look(): void {
    const counts = countsSince(this.#before, this.#parts.countsOf(this.newer.deployment));
    if (judgeErrorRate(counts, this.#settings, this.#usual) === 'bad') {
      const percent = Math.round(errorRateOf(counts) * 100);
      this.#fail(`${percent} % of its ${counts.requests} requests failed`);
    } else if (performance.now() >= this.#endsAt) {
      this.stop();
      this.warm.settle('over');
    }
  }

  #fail(reason: string): void {
    if (this.#isOver) return;
    this.stop();
    this.#parts.goBack(this.newer, this.warm, reason);
  }

  get #settings() {
    return this.newer.prepared.manifest.settings.probation;
  }
}
