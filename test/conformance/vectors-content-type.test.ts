import { describe, expect, it } from '@jest/globals';
import { PorticoError } from '#host/errors.js';
import { extensionsOf, mediaTypeOfExtension, mediaTypeOfFile } from '#host/http/file-media-type.js';
import { MediaType } from '#host/http/media-type.js';
import { readVectors } from '#test/support/vectors.js';

const vectors = readVectors<{
  parse: {
    value: string;
    expect?: { type: string; subtype: string; params: [string, string][] };
    error?: string;
  }[];
  match: { value: string; pattern: string; expect: boolean }[];
  equal: { a: string; b: string; expect: boolean }[];
  byExtension: { extension: string; expect: string[] }[];
  byPath: { path: string; expect: string[] }[];
  extensionsOf: { type: string; expect: string[] }[];
}>('content-type');
const skipped = readVectors<Record<string, { cases?: string[] }>>('skips')['content-type']?.cases ?? [];

describe('vectors content-type', () => {
  it.each(vectors.parse)('parses $value', ({ value, expect: expected }) => {
    if (expected === undefined) {
      expect(() => MediaType.parse(value)).toThrow(PorticoError);
      return;
    }
    const { type, subtype, parameters } = MediaType.parse(value);
    expect({ type, subtype, params: parameters }).toEqual(expected);
  });

  it.each(vectors.match)('$value and $pattern', ({ value, pattern, expect: expected }) => {
    expect(MediaType.parse(value).matches(MediaType.parse(pattern))).toBe(expected);
  });

  it.each(vectors.equal)('$a equals $b', ({ a, b, expect: expected }) => {
    expect(MediaType.parse(a).equals(MediaType.parse(b))).toBe(expected);
  });

  // The table knows one type an extension; the vectors list all there are.
  it.each(vectors.byExtension)('type of extension $extension', ({ extension, expect: expected }) => {
    const found = mediaTypeOfExtension(extension)?.toString();
    if (expected.length === 0) expect(found).toBeUndefined();
    else expect(expected).toContain(found);
  });

  it.each(vectors.byPath)('type of file $path', ({ path, expect: expected }) => {
    expect(mediaTypeOfFile(path)?.toString()).toBe(expected[0]);
  });

  it.each(vectors.extensionsOf.filter(({ type }) => !skipped.includes(`extensionsOf ${type}`)))(
    'extensions of $type',
    ({ type, expect: expected }) => {
      expect(extensionsOf(MediaType.parse(type))).toEqual(expected);
    },
  );
});
