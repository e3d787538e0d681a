import { describe, expect, it } from '@jest/globals';
import { InterruptibleWork } from '#host/deployer/rollout/interruptible-work.js';
import type { Version } from '#host/deployer/version.js';

const version = { name: 'shop', activity: undefined } as unknown as Version;

/** A start that only an interruption ends; gives why. */
function hangingStart(work: InterruptibleWork): Promise<string> {
  return work.yielding('shop', () =>
    work.run(
      version,
      (signal) =>
        new Promise<string>((resolve) =>
          signal.addEventListener('abort', () => resolve((signal.reason as Error).message)),
        ),
    ),
  );
}

describe('a start', () => {
  it('gives way to newer content of its version, and to no other', async () => {
    const work = new InterruptibleWork();
    const start = hangingStart(work);
    work.overtake('blog');
    expect(work.isOvertaken('blog')).toBe(false);
    work.overtake('shop');
    expect(await start).toBe('newer content of shop has come');
    expect([work.isUnderWay, work.isOvertaken('shop')]).toEqual([false, true]);
    expect([work.caughtUp('shop'), work.caughtUp('shop'), work.isOvertaken('shop')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('that was asked for by somebody gives way to nothing', async () => {
    const work = new InterruptibleWork();
    const start = work.run(version, async (signal) => {
      work.overtake('shop');
      return signal.aborted;
    });
    expect(await start).toBe(false);
    expect(work.isOvertaken('shop')).toBe(false);
  });

  it('goes on to its end when three have given way one after the other', async () => {
    const work = new InterruptibleWork();
    for (let times = 1; times <= 3; times++) {
      const start = hangingStart(work);
      work.overtake('shop');
      await start;
      expect(work.caughtUp('shop')).toBe(true);
    }
    const fourth = hangingStart(work);
    work.overtake('shop');
    expect(work.isOvertaken('shop')).toBe(false);
    work.interrupt('shop', 'stopped');
    expect(await fourth).toBe('stopped');
    const fifth = hangingStart(work);
    work.overtake('shop');
    expect(await fifth).toBe('newer content of shop has come');
  });
});
