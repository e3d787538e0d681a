import { describe, expect, it } from '@jest/globals';
import { authorityText, isAuthority, isSameAuthority } from '#host/http/authority.js';
import { equalsLower, isFieldValue, isToken } from '#host/http/byte-classes.js';
import { currentSecondMs } from '#host/http/current-second.js';
import { currentHttpDate, httpDate } from '#host/http/http-date.js';
import { statusPage } from '#host/http/status-page.js';
import { statusText } from '#host/http/status-text.js';
import { until } from '#test/support/polling.js';

describe('httpDate', () => {
  it('writes IMF-fixdate', () => {
    expect(httpDate(Date.UTC(1994, 10, 6, 8, 49, 37))).toBe('Sun, 06 Nov 1994 08:49:37 GMT');
    expect(httpDate(0)).toBe('Thu, 01 Jan 1970 00:00:00 GMT');
  });

  it('agrees with the date object', () => {
    for (const ms of [1, 951_782_400_000, 1_709_164_799_999, Date.now()]) {
      expect(httpDate(ms)).toBe(new Date(ms).toUTCString());
    }
  });

  it('gives the date of now', () => {
    const difference = Math.abs(Date.parse(currentHttpDate()) - Date.now());
    expect(difference).toBeLessThan(30_000);
  });
});

describe('currentSecondMs', () => {
  it('goes on with the clock', async () => {
    const first = currentSecondMs();
    expect(first % 1000).toBe(0);
    expect(Math.abs(first - Date.now())).toBeLessThan(30_000);
    const next = await until('the next second', () => {
      const now = currentSecondMs();
      return now === first ? undefined : now;
    });
    expect(next).toBeGreaterThanOrEqual(first + 1000);
    expect(next % 1000).toBe(0);
    expect(next).toBeLessThanOrEqual(Date.now());
  });
});

describe('statusText and statusPage', () => {
  it('know registered statuses', () => {
    expect(statusText(200)).toBe('OK');
    expect(statusText(431)).toBe('Request Header Fields Too Large');
    expect(statusText(599)).toBe('Unknown');
  });

  it('say what happened and nothing else', () => {
    expect(statusPage(404)).toBe('404 Not Found\n');
    expect(statusPage(503, 'The application is starting.')).toBe(
      '503 Service Unavailable\nThe application is starting.\n',
    );
  });
});

describe('byte classes', () => {
  it('know tokens and field values', () => {
    expect(isToken('Content-Type')).toBe(true);
    for (const bad of ['', 'a b', 'a:', 'é', 'a\0', 'ā']) expect(isToken(bad)).toBe(false);
    expect(isFieldValue('text/html; q="1"\t\u00e9')).toBe(true);
    for (const bad of ['a\rb', 'a\nb', 'a\0', '\x7f', '\u0100', '\u010a'])
      expect(isFieldValue(bad)).toBe(false);
  });

  it('compare without regard to case of letters only', () => {
    expect(equalsLower(Buffer.from('HOST'), 0, 4, 'host')).toBe(true);
    expect(equalsLower(Buffer.from('HOS\x14'), 0, 4, 'hos4')).toBe(false);
    expect(equalsLower(Buffer.from('A@'), 0, 2, 'a`')).toBe(false);
  });
});

describe('authority', () => {
  const valid = (text: string): boolean => isAuthority(Buffer.from(text, 'latin1'), 0, text.length);

  it('accepts names, addresses and ports', () => {
    for (const text of [
      'a',
      'a.example',
      'a.example.',
      'A-1_b~.x:80',
      '1.2.3.4:65535',
      '[::1]',
      '[2001:db8::1]:8080',
      'a:',
    ]) {
      expect([text, valid(text)]).toEqual([text, true]);
    }
  });

  it('refuses everything else', () => {
    for (const text of [
      '',
      '.',
      'a..b',
      ':80',
      'a:b',
      'a:65536',
      'a:000080',
      'u@a',
      'a,b',
      'a b',
      '[::1',
      '[::1]x',
      '[]',
      '[::g]',
      'a/',
    ]) {
      expect([text, valid(text)]).toEqual([text, false]);
    }
  });

  it('gives and compares text', () => {
    expect(authorityText(Buffer.from('A.Example:'), 0, 10)).toBe('a.example');
    expect(isSameAuthority('a', 'a:80', 'http')).toBe(true);
    expect(isSameAuthority('a', 'a:80', 'https')).toBe(false);
    expect(isSameAuthority('a', 'b', 'http')).toBe(false);
  });
});
