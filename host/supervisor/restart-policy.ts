import type { RestartSettings } from '../config/host-config.js';

/** What is to be done about a crash. `retryInMs`: when one process is tried all the same; undefined: never. */
export type RestartDecision =
  | { readonly kind: 'restart'; readonly delayMs: number; readonly crashesInWindow: number }
  | {
      readonly kind: 'give-up';
      readonly crashesInWindow: number;
      readonly retryInMs: number | undefined;
    };

/**
 * Decides by the times of the crashes so far (milliseconds of any one clock, the newest last and included) whether
 * to start again and when. Crashes older than the window are forgotten, so a stable time resets the delay.
 *
 * The delay is drawn evenly between half the smallest delay and a ceiling that doubles with each crash ("full
 * jitter"): applications that died together do not come back together, and none comes back in a busy loop.
 * `random` is in [0, 1).
 *
 * What was given up is tried once more after `retryAfterMs` (the circuit is half open). `trialStartedAtMs` is when that
 * process was started: if it crashed within the window, it is given up again at once. Default: it was no trial.
 */
export function decideRestart(
  crashTimes: readonly number[],
  nowMs: number,
  settings: RestartSettings,
  random: number,
  trialStartedAtMs = Number.NEGATIVE_INFINITY,
): RestartDecision {
  const isFailedTrial = nowMs - trialStartedAtMs < settings.windowMs;
  const crashesInWindow = crashTimes.filter((time) => nowMs - time < settings.windowMs).length;
  if (crashesInWindow >= settings.maxCrashes || isFailedTrial)
    return { kind: 'give-up', crashesInWindow, retryInMs: retryDelayOf(settings) };
  const doublings = Math.min(Math.max(crashesInWindow - 1, 0), 30);
  const ceiling = Math.max(
    settings.minDelayMs,
    Math.min(settings.maxDelayMs, settings.minDelayMs * 2 ** doublings),
  );
  const floor = settings.minDelayMs / 2;
  return { kind: 'restart', delayMs: Math.round(floor + random * (ceiling - floor)), crashesInWindow };
}

/** Until something given up is tried again; undefined: never. */
export function retryDelayOf({ retryAfterMs = DEFAULT_RETRY_AFTER_MS }: RestartSettings): number | undefined {
  return retryAfterMs === 0 ? undefined : retryAfterMs;
}

/** As `restart.retryAfter` of a configuration that does not say. */
const DEFAULT_RETRY_AFTER_MS = 300_000;
