import { describe, expect, it } from '@jest/globals';
import { DEFAULT_HTTP2_SETTINGS } from '#host/config/http2-settings.js';
import { AbuseWatch } from '#host/connector/http2/abuse-watch.js';

const watch = () =>
  new AbuseWatch({ ...DEFAULT_HTTP2_SETTINGS, maxResetStreams: 2, maxControlBytes: 1000 }, 0);

describe('the watch over a connection', () => {
  it('counts resets in windows of 30 s', () => {
    const one = watch();
    expect([one.reset(), one.reset()]).toEqual([undefined, undefined]);
    expect(one.sweep(30_000, 0, 0)).toBeUndefined();
    expect([one.reset(), one.reset(), one.reset()]).toEqual([undefined, undefined, 'http2-reset-flood']);
    expect(one.isExhausted).toBe(true);
  });

  it('takes heads, bodies and what is not read yet for explained', () => {
    const one = watch();
    one.headers([':method', 'GET', 'x', 'a'.repeat(5000)]);
    one.received(100_000);
    expect(one.sweep(500, 105_000 + 50_000, 50_000)).toBeUndefined();
    // What was not read is read now: it counts once.
    one.received(50_000);
    expect(one.sweep(1000, 155_000, 0)).toBeUndefined();
    expect(one.sweep(1500, 155_000 + 2000, 0)).toBe('http2-control-flood');
  });

  it('forgets unexplained bytes with the window', () => {
    const one = watch();
    expect(one.sweep(29_000, 900, 0)).toBeUndefined();
    expect(one.sweep(30_000, 900, 0)).toBeUndefined();
    expect(one.sweep(31_000, 1800, 0)).toBeUndefined();
    expect(one.sweep(32_000, 2000, 0)).toBe('http2-control-flood');
  });
});
