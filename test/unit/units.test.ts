import { describe, expect, it } from '@jest/globals';
import { formatDuration, formatSize, parseDuration, parseSize, UnitError } from '#host/units.js';

function failure(action: () => unknown): UnitError {
  try {
    action();
  } catch (error) {
    if (error instanceof UnitError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('units', () => {
  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['5 s', 0],
    ['0', 0],
    [0, 0],
  ])('reads the duration %j', (text, ms) => {
    if (text === '5 s') return expect(failure(() => parseDuration(text)).suggestion).toBe('5s');
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    ['512B', 512],
    ['64KiB', 65_536],
    ['10MiB', 10_485_760],
    ['1GiB', 1_073_741_824],
    ['0', 0],
  ])('reads the size %j', (text, bytes) => expect(parseSize(text)).toBe(bytes));

  it.each([
    ['10MB', '10MiB'],
    ['10mb', '10MiB'],
    ['64k', '64KiB'],
    ['64kib', '64KiB'],
    ['1G', '1GiB'],
    ['100', '100B'],
    [100, '100B'],
  ])('refuses the size %j and suggests %j', (text, suggestion) => {
    const error = failure(() => parseSize(text));
    expect(error.suggestion).toBe(suggestion);
    expect(error.message).toContain('B, KiB, MiB or GiB');
  });

  it.each([
    [30, '30s'],
    ['30sec', '30s'],
    ['5Min', '5m'],
    ['100 ms', '100ms'],
  ])('refuses the duration %j and suggests %j', (text, suggestion) => {
    expect(failure(() => parseDuration(text)).suggestion).toBe(suggestion);
  });

  it('refuses what is no number with a unit, saying what is allowed', () => {
    for (const value of [
      '',
      'soon',
      '-5s',
      '1.5h',
      '1m30s',
      '10MiB',
      '5__proto__',
      null,
      undefined,
      true,
      [],
      {},
    ]) {
      expect(failure(() => parseDuration(value)).message).toContain('ms, s, m or h');
    }
  });

  it('refuses durations no timer can wait, and sizes no number can hold', () => {
    expect(failure(() => parseDuration('600h')).message).toContain('too large');
    expect(failure(() => parseSize('9999999999999GiB')).message).toContain('too large');
  });

  it('writes them back in the largest unit without a fraction', () => {
    expect([0, 1500, 90_000, 7_200_000].map(formatDuration)).toEqual(['0ms', '1500ms', '90s', '2h']);
    expect([0, 1000, 65_536, 1024 ** 3].map(formatSize)).toEqual(['0B', '1000B', '64KiB', '1GiB']);
  });
});
