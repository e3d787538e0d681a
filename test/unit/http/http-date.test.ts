import { describe, expect, it } from '@jest/globals';
import { httpDate, parseHttpDate } from '#host/http/http-date.js';

describe('dates of fields', () => {
  it.each(['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])(
    'have three forms: %s',
    (text) => {
      expect(parseHttpDate(text)).toBe(Date.UTC(1994, 10, 6, 8, 49, 37));
    },
  );

  it('are read as they are written', () => {
    expect(parseHttpDate(httpDate(1_700_000_000_000))).toBe(1_700_000_000_000);
  });

  it.each([
    '',
    '5',
    'zzz',
    '2019-01-01T00:00:00Z',
    'Sun, 06 Nov 1994',
    'Sun, 06 Nov 1994 08:49:37 +0100',
    'Sun, 06 Nul 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 28:49:37 GMT',
  ])('are nothing else: %j', (text) => {
    expect(parseHttpDate(text)).toBeUndefined();
  });
});
