import type { RestartSettings } from '../config/host-config.js';

/** What is to be done about a crash. */
export type RestartDecision =
  | { readonly kind: 'restart'; readonly delayMs: number; readonly crashesInWindow: number }
  | { readonly kind: 'give-up'; readonly crashesInWindow: number };

/**
 * Decides by the times of the crashes so far (milliseconds of any one clock, the newest last and included) whether
 * to start again and when. Crashes older than the window are forgotten, so a stable time resets the delay.
 *
 * The delay is drawn evenly between half the smallest delay and a ceiling that doubles with each crash ("full
 * jitter"): applications that died together do not come back together, and none comes back in a busy loop.
 * `random` is in [0, 1).
 */
export function decideRestart(
  crashTimes: readonly number[],
  nowMs: number,
  settings: RestartSettings,
  random: number,
): RestartDecision {
  const crashesInWindow = crashTimes.filter((time) => nowMs - time < settings.windowMs).length;
  if (crashesInWindow >= settings.maxCrashes) return { kind: 'give-up', crashesInWindow };
  const doublings = Math.min(Math.max(crashesInWindow - 1, 0), 30);
  const ceiling = Math.max(
    settings.minDelayMs,
    Math.min(settings.maxDelayMs, settings.minDelayMs * 2 ** doublings),
  );
  const floor = settings.minDelayMs / 2;
  return { kind: 'restart', delayMs: Math.round(floor + random * (ceiling - floor)), crashesInWindow };
}
