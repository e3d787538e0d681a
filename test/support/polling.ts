import { setTimeout as delay } from 'node:timers/promises';

/** How long a test waits for what must come; only a guard against hanging, so it is long. */
export const WAIT_MS = 30_000;

type Condition<T> = () => T | Promise<T>;

/**
 * Polls until the condition holds, that is, gives anything but false or undefined; resolves with that. Rejects after the
 * deadline, naming what was waited for (by default the condition itself), and with what the condition throws.
 */
export async function until<T>(condition: Condition<T>): Promise<Exclude<T, false | undefined>>;
export async function until<T>(
  what: string,
  condition: Condition<T>,
  deadlineMs?: number,
): Promise<Exclude<T, false | undefined>>;
export async function until<T>(
  what: string | Condition<T>,
  condition?: Condition<T>,
  deadlineMs = WAIT_MS,
): Promise<Exclude<T, false | undefined>> {
  const look = typeof what === 'function' ? what : condition;
  const end = performance.now() + deadlineMs;
  // Often at first, seldom later: a loaded machine has better things to do.
  for (let pauseMs = 1; ; pauseMs = Math.min(25, pauseMs + 1)) {
    const value = await look?.();
    if (value !== false && value !== undefined) return value as Exclude<T, false | undefined>;
    if (performance.now() > end) throw new Error(`waited ${deadlineMs} ms in vain until ${what}`);
    await delay(pauseMs);
  }
}

/**
 * Lets everything arrive that is on its way within this process: so many turns of the event loop, and at least as many
 * milliseconds. Unlike a time it also suffices on a machine that stands still in between.
 */
export async function settle(turns = 5): Promise<void> {
  for (let i = 0; i < turns; i++) await delay(1);
}

/** True while a process of this id exists and is not a zombie's leftover of this process. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
