import type { CanarySettings } from '../../config/version-settings.js';
import { countsSince, type ErrorCounts, errorRateOf, judgeErrorRate } from '../rollout/error-rate.js';

/** What is to be done with a canary. */
export type CanaryVerdict =
  | { readonly kind: 'stay' }
  /** It gets this share of the new clients now, in percent. */
  | { readonly kind: 'step'; readonly share: number }
  /** It has passed its last step. */
  | { readonly kind: 'promote' }
  | { readonly kind: 'abort'; readonly reason: string };

/**
 * The way of one canary through its steps. A step ends when its time is over and enough requests have shown that the
 * version answers well; it is judged all the time, by what was counted since the step began, against the version it is to
 * replace over the same time. Decides nothing by itself: whoever owns it looks, and does what comes out.
 */
export class CanaryRun {
  readonly settings: CanarySettings;
  #step = 0;
  #since: number;
  #before: ErrorCounts;
  #baseBefore: ErrorCounts;

  /** `counts` of the canary and of the version it is to replace until now; `now` in milliseconds of a clock that only grows. */
  constructor(settings: CanarySettings, now: number, counts: ErrorCounts, base: ErrorCounts) {
    this.settings = settings;
    this.#since = now;
    this.#before = counts;
    this.#baseBefore = base;
  }

  /** From 0. */
  get step(): number {
    return this.#step;
  }

  /** Percent of the new clients. */
  get share(): number {
    return this.settings.steps[this.#step] ?? 100;
  }

  /** How long the step has lasted. */
  sinceMs(now: number): number {
    return now - this.#since;
  }

  /** What was counted since the step began. */
  countsOf(counts: ErrorCounts): ErrorCounts {
    return countsSince(this.#before, counts);
  }

  look(now: number, counts: ErrorCounts, base: ErrorCounts): CanaryVerdict {
    const mine = this.countsOf(counts);
    const theirs = countsSince(this.#baseBefore, base);
    const verdict = judgeErrorRate(mine, this.settings, theirs);
    if (verdict === 'bad')
      return { kind: 'abort', reason: reasonOf(mine, theirs, this.settings.maxErrorRate) };
    if (verdict === 'undecided' || this.sinceMs(now) < this.settings.intervalMs) return { kind: 'stay' };
    // Only previews reach it, as many as they are: somebody has to say that it is good.
    if (this.share === 0) return { kind: 'stay' };
    if (this.#step + 1 >= this.settings.steps.length) return { kind: 'promote' };
    this.#step += 1;
    this.#since = now;
    this.#before = { requests: counts.requests, errors: counts.errors };
    this.#baseBefore = { requests: base.requests, errors: base.errors };
    return { kind: 'step', share: this.share };
  }
}

function reasonOf(mine: ErrorCounts, theirs: ErrorCounts, limit: number): string {
  const usual = errorRateOf(theirs);
  const beside = usual === 0 ? '' : `, ${percent(usual)} of those of the version it was to replace`;
  return `${percent(errorRateOf(mine))} of its ${mine.requests} requests failed${beside}; canary.maxErrorRate is ${percent(limit)}`;
}

function percent(rate: number): string {
  return `${Math.round(rate * 1000) / 10} %`;
}
