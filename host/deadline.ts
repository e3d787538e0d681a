import { MAX_DURATION_MS } from './units.js';

/**
 * Waits for `work`, but not longer than `deadlineMs`. True: it is over (also when it failed, then the failure is
 * thrown); false: the time was. The work itself goes on; whoever began it owns it. No timer is longer than 24.8 days: what
 * is longer, `Infinity` too, counts as that.
 */
export async function within(work: Promise<unknown>, deadlineMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.min(deadlineMs, MAX_DURATION_MS));
  });
  try {
    return await Promise.race([work.then(() => true as const), late]);
  } finally {
    clearTimeout(timer);
  }
}
