import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { UrlBuilder } from '#host/http/url-builder.js';
import { encodePathSegment, formUrlEncode } from '#host/http/url-encoding.js';

describe('UrlBuilder', () => {
  it('encodes every part where it is written', () => {
    const url = new UrlBuilder('/shop').path('a/b', 'c d').parameter('q', 'x&y', 'ä').fragment('top 1');
    expect(url.toString()).toBe('/shop/a%2Fb/c%20d?q=x%26y&q=%C3%A4#top%201');
  });

  it('adds to the path and the query that are there', () => {
    expect(new UrlBuilder('https://a.example/x/?k=1').path('y').parameter('l', '2').toString()).toBe(
      'https://a.example/x/y?k=1&l=2',
    );
    expect(new UrlBuilder('https://a.example').parameter('flag').toString()).toBe('https://a.example?flag');
  });

  it('leaves out the default port of the scheme only', () => {
    expect(new UrlBuilder('https://a.example:443/x').toString()).toBe('https://a.example/x');
    expect(new UrlBuilder('http://a.example:443/x').toString()).toBe('http://a.example:443/x');
    expect(new UrlBuilder('http://[::80]/x').toString()).toBe('http://[::80]/x');
  });

  it.each(['http://exa mple.com', 'http://localhost:7000Value', 'http://', '/a#b'])('refuses %s', (start) => {
    expect(() => new UrlBuilder(start)).toThrow(expect.objectContaining({ code: 'PORTICO_BAD_URL' }));
  });

  it('refuses segments that lead upwards', () => {
    for (const segment of ['.', '..'])
      expect(() => new UrlBuilder('/a').path(segment)).toThrow(
        expect.objectContaining({ code: 'PORTICO_BAD_URL' }),
      );
  });

  it('gives back what the platform reads from it', () => {
    const text = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(text, text, text, (segment, name, value) => {
        fc.pre(segment !== '.' && segment !== '..');
        const url = new URL(
          new UrlBuilder('http://a.example').path(segment).parameter(name, value).toString(),
        );
        expect(decodeURIComponent(url.pathname.slice(1))).toBe(segment);
        expect([...url.searchParams]).toEqual([[name, value]]);
      }),
    );
  });
});

describe('encoding', () => {
  it('never lets a value leave its place', () => {
    expect(encodePathSegment('a/../b?c#d')).toBe('a%2F..%2Fb%3Fc%23d');
    expect(
      formUrlEncode([
        ['a&b', ['c=d', 'e f']],
        ['g', []],
      ]),
    ).toBe('a%26b=c%3Dd&a%26b=e+f&g');
    expect(encodePathSegment('\r\n\0')).toBe('%0D%0A%00');
  });
});
