import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { splitHeaderValues } from '#host/http/header-list.js';
import { parameterOf, parseHeaderValues, quoteParameter } from '#host/http/header-value.js';
import { MediaType, parseAccept } from '#host/http/media-type.js';

describe('parseHeaderValues', () => {
  it('leaves out empty elements of a list', () => {
    expect(parseHeaderValues(', a,, b ,').map(({ value }) => value)).toEqual(['a', 'b']);
    expect(parseHeaderValues(undefined)).toEqual([]);
    expect(parseHeaderValues('')).toEqual([]);
  });

  it('takes 1 for a quality that is none', () => {
    for (const q of ['2', '-1', 'x', '', 'NaN', 'Infinity'])
      expect(parseHeaderValues(`a;q=${q}`)[0]?.quality).toBe(1);
    expect(parseHeaderValues('a;q=0')[0]?.quality).toBe(0);
    expect(parseHeaderValues('a;q=0.001')[0]?.quality).toBe(0.001);
  });

  it('ends for every text, and gives back every parameter that was quoted', () => {
    fc.assert(fc.property(fc.string(), (text) => Array.isArray(parseHeaderValues(text))));
    fc.assert(
      fc.property(
        fc.string().filter((text) => !/[\n\r\t]|^".*"$/s.test(text)),
        (text) => {
          const found = parseHeaderValues(`v;a=${quoteParameter(text)};b=2, w`);
          expect(found).toHaveLength(2);
          expect(parameterOf(found[0] as never, 'A')).toBe(text);
        },
      ),
    );
  });

  it('reads a long field in linear time', () => {
    const text = 'a;b="'.repeat(20_000);
    expect(parseHeaderValues(text)).toHaveLength(1);
    expect(splitHeaderValues(text)).toHaveLength(1);
  });
});

describe('MediaType', () => {
  it('is written as it was read', () => {
    expect(String(MediaType.parse('Text/HTML;charset=utf-8'))).toBe('Text/HTML; charset=utf-8');
    expect(String(new MediaType('a', 'b', [['title', 'x y']]))).toBe('a/b; title="x y"');
  });

  it('has its essence and charset in lower case', () => {
    const type = MediaType.parse('Text/HTML; Charset="UTF-8"');
    expect(type.essence).toBe('text/html');
    expect(type.charset).toBe('utf-8');
  });

  it('is changed into another one', () => {
    const type = MediaType.parse('text/html; a=1');
    expect(String(type.withCharset('utf-8'))).toBe('text/html; a=1; charset=utf-8');
    expect(String(type.withParameter('A', '2'))).toBe('text/html; A=2');
    expect(String(type.withoutParameters())).toBe('text/html');
    expect(String(type)).toBe('text/html; a=1');
  });

  it('compares parameters in any order', () => {
    expect(MediaType.parse('a/b; x=1; y=2').equals(MediaType.parse('a/b; y=2; x=1'))).toBe(true);
    expect(MediaType.parse('a/b; x=1').equals(MediaType.parse('a/b'))).toBe(false);
    expect(MediaType.parse('a/b; x=1').equals(MediaType.parse('a/b; x=2'))).toBe(false);
  });

  it('refuses what is none', () => {
    for (const text of ['', ' ', 'text', '/', 'text/', '/plain', 'te xt/plain', 'text/pla\nin', 'a/b/c'])
      expect(() => MediaType.parse(text)).toThrow(
        expect.objectContaining({ code: 'PORTICO_BAD_CONTENT_TYPE' }),
      );
  });
});

describe('parseAccept', () => {
  it('keeps what the client does not want, with quality 0', () => {
    expect(parseAccept('a/b;q=0, */*').map(({ quality }) => quality)).toEqual([1, 0]);
  });

  it('refuses a malformed item', () => {
    expect(() => parseAccept('a/b, c')).toThrow(
      expect.objectContaining({ code: 'PORTICO_BAD_CONTENT_TYPE' }),
    );
  });
});
