import { describe, expect, it } from '@jest/globals';
import { isToken } from '#host/http/byte-classes.js';
import { splitHeaderValues, splitSetCookies } from '#host/http/header-list.js';
import { parseByQuality, parseHeaderValues, quoteParameter } from '#host/http/header-value.js';
import { parseAccept } from '#host/http/media-type.js';
import { readVectors } from '#test/support/vectors.js';

const vectors = readVectors<{
  parse: {
    text: string;
    parametersOnly: boolean;
    expect: { value: string; params: [string, string][] }[];
  }[];
  acceptOrder: {
    kind: 'content-type' | 'plain';
    header: string;
    expectOrder: string[];
    expectQualities?: number[];
    renderParams?: boolean;
  }[];
  splitSetCookie: { input: string; expect: string[] }[];
  renderParameter: { value: string; expect: string }[];
  invalidHeaderNameChars: { chars: string[] };
  splitValues: { values: string[]; expect: string[] }[];
}>('header-values');

describe('vectors header-values', () => {
  it.each(vectors.parse)('parses $text', ({ text, parametersOnly, expect: expected }) => {
    const found = parseHeaderValues(text, { parametersOnly });
    expect(found.map(({ value, parameters }) => ({ value, params: parameters }))).toEqual(expected);
  });

  it.each(vectors.acceptOrder)('orders $header', ({ kind, header, renderParams, ...expected }) => {
    const items =
      kind === 'plain'
        ? parseByQuality(header).map(({ value, quality }) => ({ text: value, quality }))
        : parseAccept(header).map(({ mediaType, quality }) => ({
            text: renderParams === true ? withQuality(mediaType, quality) : mediaType.essence,
            quality,
          }));
    expect(items.map(({ text }) => text)).toEqual(expected.expectOrder);
    if (expected.expectQualities !== undefined)
      expect(items.map(({ quality }) => quality)).toEqual(expected.expectQualities);
  });

  it.each(vectors.renderParameter)('writes parameter $value', ({ value, expect: expected }) => {
    expect(quoteParameter(value)).toBe(expected);
  });

  it.each(vectors.splitSetCookie)('splits cookies $input', ({ input, expect: expected }) => {
    expect(splitSetCookies(input)).toEqual(expected);
  });

  it.each(vectors.splitValues)('splits $values', ({ values, expect: expected }) => {
    expect(splitHeaderValues(values)).toEqual(expected);
  });

  it.each(vectors.invalidHeaderNameChars.chars)('takes no %j in a name', (character) => {
    expect(isToken(`x${character}y`)).toBe(false);
  });
});

/** As the vectors write an item: `q` among the parameters, no spaces. */
function withQuality(mediaType: { toString(): string }, quality: number): string {
  return `${mediaType}${quality === 1 ? '' : `;q=${quality}`}`.replaceAll('; ', ';');
}
