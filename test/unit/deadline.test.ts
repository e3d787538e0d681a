import { describe, expect, it } from '@jest/globals';
import { within } from '#host/deadline.js';

describe('within', () => {
  it.each([2 ** 31, Number.POSITIVE_INFINITY])('a deadline of %s ms lets work end', async (deadlineMs) => {
    const work = new Promise<void>((resolve) => void setTimeout(resolve, 5));
    // A timer that is too long for Node would fire at once.
    expect(await within(work, deadlineMs)).toBe(true);
  });

  it('gives up at the deadline, and passes on a failure before it', async () => {
    expect(await within(new Promise(() => undefined), 1)).toBe(false);
    await expect(within(Promise.reject(new Error('failed')), 1000)).rejects.toThrow('failed');
  });
});
