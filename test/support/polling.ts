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

/** Longest time that the event loop of a test may stand still before a limit in time means nothing. */
const STANDSTILL_MS = 300;
const MAX_ATTEMPTS = 10;

/**
 * A test of limits in time within this process: one that fails while the process stood still (a busy or suspended
 * machine, where a limit is over before what came in time is read) is done again, after `cleanUp`. The limits MUST leave
 * room for more than 300 ms.
 */
export function undisturbed(
  test: () => Promise<void>,
  cleanUp: () => unknown = () => undefined,
): () => Promise<void> {
  return async () => {
    for (let attempt = 1; ; attempt++) {
      const watch = new StandstillWatch();
      try {
        await test();
        return;
      } catch (error) {
        if (watch.longestMs() < STANDSTILL_MS || attempt === MAX_ATTEMPTS) throw error;
      } finally {
        watch.stop();
      }
      await cleanUp();
    }
  };
}

/** Measures how long the event loop does not turn. */
class StandstillWatch {
  #last = performance.now();
  #longestMs = 0;
  readonly #timer = setInterval(() => this.longestMs(), 20);

  longestMs(): number {
    const now = performance.now();
    this.#longestMs = Math.max(this.#longestMs, now - this.#last);
    this.#last = now;
    return this.#longestMs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
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
