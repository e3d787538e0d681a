import { setTimeout as pause } from 'node:timers/promises';

/** Polls until `condition` holds; fails the test after `milliseconds`. */
export async function deadline(what: string, condition: () => boolean, milliseconds = 8000): Promise<void> {
  const end = performance.now() + milliseconds;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`waited ${milliseconds} ms for ${what}`);
    await pause(1);
  }
}

/** Lets everything that is already on its way arrive: a few turns of the loop. */
export async function settle(turns = 5): Promise<void> {
  for (let i = 0; i < turns; i++) await pause(1);
}
