import { closeSync, openSync, readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { DEFAULT_PROCESS_LIMITS } from '#host/config/instance-settings.js';
import { LimitWatch } from '#host/supervisor/limits/limit-watch.js';

describe('the processor time of a process', () => {
  const limits = { ...DEFAULT_PROCESS_LIMITS, maxCpuShare: 0.5, cpuWindowMs: 3000 };

  it('is told once when it is beyond the limit on average over the window, and again after a pause', () => {
    const watch = new LimitWatch(limits);
    // Seconds of processor time used by then, second by second.
    const used = [0, 0.9, 1.8, 2.4, 3.3, 3.4, 3.4, 3.4, 4.3, 5.2, 6.1];
    const told = used.map((seconds, second) => watch.cpu(second * 1000, seconds) !== undefined);
    expect(told.flatMap((isTold, second) => (isTold ? [second] : []))).toEqual([3, 9]);
  });

  it('says what was used and what may be', () => {
    const watch = new LimitWatch(limits);
    watch.cpu(0, 0);
    expect(watch.cpu(3000, 2.25)).toEqual({
      event: 'cpu-limit',
      reason: 'used 75% of a processor over 3 s, limits.cpu is 50%',
      used: 0.75,
      limit: 0.5,
    });
  });
});

describe('the open files of a process', () => {
  it('are told once when there are more than the limit', async () => {
    if (process.platform !== 'linux') return;
    const limit = readdirSync('/proc/self/fd').length + 20;
    const watch = new LimitWatch({ ...DEFAULT_PROCESS_LIMITS, maxFiles: limit });
    expect(await watch.files(process.pid)).toBeUndefined();
    const files = Array.from({ length: 60 }, () => openSync('/dev/null', 'r'));
    try {
      expect(await watch.files(process.pid)).toMatchObject({ event: 'files-limit', limit });
      expect(await watch.files(process.pid)).toBeUndefined();
    } finally {
      for (const file of files) closeSync(file);
    }
  });
});
