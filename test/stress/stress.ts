/**
 * The proof that one application cannot hurt the others: constant load on ten of them, while a plan of redeploys, bad
 * bundles, crashes and kills goes on; then many redeploys, after which the host must hold no more than before.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Baseline, measureBaseline } from './baseline.js';
import type { Step } from './chaos.js';
import type { Outcome } from './open-load.js';
import { type Outage, StressedHost } from './stressed-host.js';

export interface StressPlan {
  /** What happens, in this order. */
  readonly steps: readonly Step[];
  /** The steps are gone through again until so many seconds are over; 0: once. */
  readonly seconds: number;
  /** Load before anything happens. */
  readonly quietSeconds: number;
  /** Redeploys between the two measurements of what is held. */
  readonly redeploys: number;
  /** Memory is measured when it falls no more, which takes up to a minute each time. */
  readonly settles: boolean;
  /** Requests a second to each application. */
  readonly rate: number;
  /** Hears what goes on. */
  readonly say: (line: string) => void;
}

export interface StressResult {
  readonly outcomes: readonly Outcome[];
  readonly outages: readonly Outage[];
  readonly lateness: readonly number[];
  readonly before: Baseline;
  readonly after: Baseline;
}

/** Phase in which nothing happens. */
export const QUIET = 'quiet';
/** Phase of the redeploys that are measured. */
export const REDEPLOYS = 'many redeploys';

/** Redeploys before the first measurement: they fill caches, and the history. */
const WARM_UP = 4;
/** How often it is told how far they are. */
const TOLD_REDEPLOYS = 50;
/** Between two steps. */
const PAUSE_MS = 300;

/** Goes through a plan on a host of its own, which is gone afterwards. */
export async function stress(plan: StressPlan): Promise<StressResult> {
  const stressed = await StressedHost.start(plan.rate);
  try {
    const { load, outages } = stressed;
    plan.say(`the host runs, ${plan.quietSeconds} s of quiet follow`);
    load.phase = QUIET;
    load.start();
    await delay(plan.quietSeconds * 1000);
    await goThrough(plan, stressed);
    load.phase = REDEPLOYS;
    await redeploy(stressed, WARM_UP);
    await load.stop();
    const before = await measureBaseline(stressed, plan.settles);
    load.start();
    await redeploy(stressed, plan.redeploys, (done) => plan.say(`${done} of ${plan.redeploys} redeploys`));
    await load.stop();
    const after = await measureBaseline(stressed, plan.settles);
    return { outcomes: load.outcomes, outages, lateness: load.lateness, before, after };
  } finally {
    await stressed.stop();
  }
}

async function goThrough(plan: StressPlan, stressed: StressedHost): Promise<void> {
  const end = performance.now() + plan.seconds * 1000;
  for (let isFirst = true; isFirst || performance.now() < end; isFirst = false) {
    for (const { name, strike } of plan.steps) {
      if (!isFirst && performance.now() > end) return;
      plan.say(name);
      stressed.load.phase = name;
      await strike(stressed);
      await delay(PAUSE_MS);
    }
  }
}

async function redeploy(
  stressed: StressedHost,
  times: number,
  say: (done: number) => void = () => undefined,
): Promise<void> {
  for (let i = 0; i < times; i++) {
    if (i % TOLD_REDEPLOYS === 0) say(i);
    await stressed.redeploy(i % 2 === 0 ? 'rolling' : 'module');
  }
}
