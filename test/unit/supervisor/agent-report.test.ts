import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseReport } from '#host/supervisor/agent-report.js';

describe('a report of an instance', () => {
  it.each([
    [
      { type: 'hello', pid: 7, extra: 'x' },
      { type: 'hello', pid: 7 },
    ],
    [
      { type: 'hello', pid: -1 },
      { type: 'hello', pid: 0 },
    ],
    [
      { type: 'ready', kind: 'server' },
      { type: 'ready', kind: 'server' },
    ],
    [{ type: 'ready', kind: 'other' }, undefined],
    [{ type: 'ready' }, undefined],
    [
      { type: 'failed', step: 'load', message: 3 },
      { type: 'failed', step: 'load', code: '', message: '', stack: '' },
    ],
    [{ type: 'failed', step: '__proto__' }, undefined],
    [
      { type: 'function-ended', id: 3, isDone: 'yes', text: 'x'.repeat(2000) },
      { type: 'function-ended', id: 3, isDone: false, text: 'x'.repeat(1000) },
    ],
    [{ type: 'booting', plan: {} }, { type: 'booting' }],
    [{ type: 'unknown' }, undefined],
    [undefined, undefined],
    [null, undefined],
    ['ready', undefined],
  ])('%j is read as %j', (message, report) => {
    expect(parseReport(message)).toEqual(report);
  });

  it('has finite numbers and bounded texts whatever was sent', () => {
    const stats = parseReport({
      type: 'stats',
      rssBytes: Infinity,
      heapUsedBytes: NaN,
      utilization: 9,
      exchanges: '1',
    });
    expect(stats).toMatchObject({ rssBytes: 0, heapUsedBytes: 0, utilization: 1, exchanges: 0 });
    const failed = parseReport({
      type: 'failed',
      step: 'load',
      message: 'x'.repeat(1e6),
      stack: 'y'.repeat(1e6),
    });
    expect(JSON.stringify(failed).length).toBeLessThan(32_768);
    fc.assert(fc.property(fc.anything(), (message) => void parseReport(message)));
  });
});
