import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseCookieDate } from '#host/http/cookie-date.js';
import { type CookieEncoding, decodeCookieValue, encodeCookieValue } from '#host/http/cookie-encoding.js';
import { parseCookieHeader } from '#host/http/cookie-header.js';
import { parseSetCookie, renderSetCookie } from '#host/http/set-cookie.js';

const invalid = expect.objectContaining({ code: 'PORTICO_INVALID_COOKIE' });

describe('the value of a cookie', () => {
  it.each<CookieEncoding>(['uri', 'base64'])('may be any text with %s', (encoding) => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        const text = encodeCookieValue(value, encoding);
        // RFC 6265 §4.1.1, and not a character more.
        expect(text).toMatch(/^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/);
        expect(parseCookieHeader(`a=${text}; b=1`)[0]).toEqual(['a', text]);
        expect(decodeCookieValue(text, encoding)).toBe(value);
      }),
    );
  });

  it.each<[CookieEncoding, string]>([
    ['raw', 'a;b'],
    ['raw', 'a b'],
    ['raw', 'a\r\nSet-Cookie: b=c'],
    ['raw', 'ä'],
    ['quoted', 'a"b'],
    ['quoted', 'a;b'],
    ['quoted', 'a\nb'],
    ['uri', '\ud800'],
  ])('is refused where %s cannot write it: %j', (encoding, value) => {
    expect(() => encodeCookieValue(value, encoding)).toThrow(invalid);
  });

  it.each<[CookieEncoding, string]>([
    ['uri', '%'],
    ['uri', '%zz'],
    ['uri', '%ff'],
    ['base64', 'abc'],
    ['base64', 'ab=c'],
    ['base64', '/w=='],
    ['base64', 'a b='],
  ])('is no value where it is not %s: %j', (encoding, text) => {
    expect(decodeCookieValue(text, encoding)).toBeUndefined();
  });
});

describe('the field Cookie', () => {
  it('ends a value at each semicolon, so that no quote swallows other cookies', () => {
    expect(parseCookieHeader('a="x; session=secret; b="y"')).toEqual([
      ['a', '"x'],
      ['session', 'secret'],
      ['b', 'y'],
    ]);
  });

  it('leaves out what is no pair, and takes several lines', () => {
    expect(parseCookieHeader(['; ;=x;nothing; a = 1 ;', 'b=2=3'])).toEqual([
      ['a', '1'],
      ['b', '2=3'],
    ]);
  });

  it('is read in linear time', () => {
    const cookies = parseCookieHeader(`${'a=1;'.repeat(50_000)}${';'.repeat(500_000)}${'b'.repeat(500_000)}`);
    expect(cookies.length).toBe(50_000);
    expect(parseSetCookie(`a="${' '.repeat(200_000)};${'=" '.repeat(100_000)}`)?.name).toBe('a');
  });
});

describe('the field Set-Cookie', () => {
  it('has the attributes in a fixed order', () => {
    const text = renderSetCookie({
      name: 'a',
      value: 'b c',
      maxAgeSeconds: 1.9,
      expires: new Date(0),
      domain: 'shop.example',
      path: '/x',
      secure: true,
      httpOnly: true,
      sameSite: 'none',
      extensions: { Partitioned: undefined, Priority: 'High' },
    });
    expect(text).toBe(
      'a=b%20c; Max-Age=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Domain=shop.example; Path=/x; ' +
        'Secure; HttpOnly; SameSite=None; Partitioned; Priority=High',
    );
  });

  it.each([
    { name: 'a b', value: '' },
    { name: '', value: '' },
    { name: 'a=b', value: '' },
    { name: 'a', value: '', path: '/;Domain=evil' },
    { name: 'a', value: '', domain: 'a\r\nX: y' },
    { name: 'a', value: '', maxAgeSeconds: -1 },
    { name: 'a', value: '', maxAgeSeconds: Number.NaN },
    { name: 'a', value: '', expires: new Date('no') },
    { name: 'a', value: '', extensions: { 'a;b': '' } },
    { name: 'a', value: '', extensions: { a: 'b;c' } },
  ])('refuses what would leave its place: %j', (cookie) => {
    expect(() => renderSetCookie(cookie)).toThrow(invalid);
  });

  it('gives back what was written', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.constantFrom<CookieEncoding>('uri', 'base64'),
        fc.boolean(),
        (value, encoding, secure) => {
          const text = renderSetCookie(
            { name: 'n', value, encoding, secure, sameSite: 'strict', path: '/p' },
            { tellsEncoding: true },
          );
          expect(parseSetCookie(text)).toMatchObject({
            name: 'n',
            value,
            encoding,
            secure,
            sameSite: 'strict',
            path: '/p',
            httpOnly: false,
          });
        },
      ),
    );
  });

  it('is no cookie without a pair, and keeps a value that is not in its encoding', () => {
    expect(parseSetCookie('')).toBeUndefined();
    expect(parseSetCookie('nothing; Path=/')?.name).toBe('Path');
    expect(parseSetCookie('a=%zz; Max-Age=x; Expires=never')).toMatchObject({
      value: '%zz',
      maxAgeSeconds: undefined,
      expires: undefined,
    });
  });
});

describe('the date of a cookie', () => {
  it.each([
    '',
    '31 Feb 2024 10:00:00',
    '1 Jan 1600 10:00:00',
    '1 Jan 2024',
    'Jan 2024 10:00:00',
    '1 2024 10:00:00',
  ])('is none: %j', (text) => {
    expect(parseCookieDate(text)).toBeUndefined();
  });
});
