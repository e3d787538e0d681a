import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalPath } from '#host/http/canonical-path.js';

/** Path as sent, canonical form; undefined for a refused one. */
const TABLE: readonly (readonly [string, string | undefined])[] = [
  ['/', '/'],
  ['/foo', '/foo'],
  ['/foo/', '/foo/'],
  ['/foo/bar.txt', '/foo/bar.txt'],
  ['foo/bar', undefined],
  ['', undefined],
  ['/foo%00/bar/', undefined],
  ['/foo%7Fbar', undefined],
  ['/foo%7fbar', undefined],
  ['/foo%1fbar', undefined],
  ['/foo%2Fbar', undefined],
  ['/foo%2fbar', undefined],
  ['/foo/b%25r', '/foo/b%25r'],
  ['/foo/b%252e', '/foo/b%252e'],
  ['/foo\\bar', undefined],
  ['/foo%5Cbar', undefined],
  ['/foo;%2F/bar', undefined],
  ['/foo;x%2e/bar', undefined],
  ['/foo/%2e/bar', undefined],
  ['/foo/.;/bar', undefined],
  ['/foo/../bar', '/bar'],
  ['/foo/./bar', '/foo/bar'],
  ['/foo/.', '/foo/'],
  ['/foo/..', '/'],
  ['/foo/bar/..', '/foo/'],
  ['/foo/%2e%2E/bar', undefined],
  ['/foo/.%2e/bar', undefined],
  ['/foo/..;/bar', undefined],
  ['/foo/..;x=1/bar', undefined],
  ['/foo/;/../bar', undefined],
  ['/foo/..%2Fbar', undefined],
  ['/foo/../../bar', undefined],
  ['/../x', undefined],
  ['/..', undefined],
  ['/.', '/'],
  ['//..', undefined],
  ['/foo//../bar', '/bar'],
  ['/foo//bar', '/foo/bar'],
  ['//foo//bar//', '/foo/bar/'],
  ['//', '/'],
  ['/;/foo;/;/bar/;/;', undefined],
  ['/;x', undefined],
  ['/foo/bar;jsessionid=1', '/foo/bar;jsessionid=1'],
  ['/foo;/bar', '/foo;/bar'],
  ['/...', '/...'],
  ['/.../x', '/.../x'],
  ['/.well-known/x', '/.well-known/x'],
  ['/a..b/..c/d..', '/a..b/..c/d..'],
  ['/%E2%82', undefined],
  ['/%E2%82/x', undefined],
  ['/%E2%82x', undefined],
  ['/%E2%82%AC', '/%E2%82%AC'],
  ['/%e2%82%ac', '/%E2%82%AC'],
  ['/%F0%9F%98%80', '/%F0%9F%98%80'],
  ['/%C0%AF', undefined],
  ['/%C1%81', undefined],
  ['/%E0%80%AF', undefined],
  ['/%ED%A0%80', undefined],
  ['/%F4%90%80%80', undefined],
  ['/%F5%80%80%80', undefined],
  ['/%80', undefined],
  ['/%FF', undefined],
  ['/%XX', undefined],
  ['/%', undefined],
  ['/%0', undefined],
  ['/%0g', undefined],
  ['/a#b', undefined],
  ['/a?b', undefined],
  ['/a b', undefined],
  ['/a\tb', undefined],
  ['/a\u0080b', undefined],
  ['/a\u0100b', undefined],
  ['/%20%3b%3f%23', '/%20%3B%3F%23'],
  ['/%41%7e%2D%5f%39', '/A~-_9'],
  ["/!$&'()*+,=:@", "/!$&'()*+,=:@"],
  ...[...'"<>[]^`{|}'].map((character) => [`/a${character}b`, undefined] as const),
];

describe('canonicalPath', () => {
  for (const [path, canonical] of TABLE) {
    const what = canonical === undefined ? 'refuses' : `gives ${canonical} for`;
    it(`${what} ${JSON.stringify(path)}`, () => {
      expect(canonicalPath(path)).toBe(canonical);
    });
  }

  const piece = fc.constantFrom(
    '/',
    '.',
    '..',
    '%2e',
    '%41',
    '%2F',
    '%00',
    '%c3%a9',
    ';',
    'a',
    'B',
    '~',
    '%25',
    '//',
    '%',
  );
  const paths = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`);

  it('is idempotent, and never leaves dots, doubled slashes, NUL or an escaped slash', () => {
    fc.assert(
      fc.property(paths, (path) => {
        const canonical = canonicalPath(path);
        if (canonical === undefined) return;
        expect(canonicalPath(canonical)).toBe(canonical);
        expect(canonical.startsWith('/')).toBe(true);
        expect(canonical).not.toMatch(/\/\/|\/\.\.?(?:\/|;|$)|%(?:00|2F|2E|5C)|%[0-9A-F]?[a-f]/);
      }),
      { numRuns: 2000 },
    );
  });

  it('agrees with the URL standard on whatever it accepts without doubled slashes', () => {
    fc.assert(
      fc.property(paths, (path) => {
        const canonical = canonicalPath(path);
        if (canonical === undefined || path.includes('//')) return;
        const url = new URL(path, 'http://a').pathname;
        expect(decodeURIComponent(url)).toBe(decodeURIComponent(canonical));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('canonicalPath that keeps malformed escapes', () => {
  it.each([
    // Sound paths are as ever.
    ['/', '/'],
    ['/foo%7ebar', '/foo~bar'],
    ['/%e2%82%ac/%41', '/%E2%82%AC/A'],
    ['/a/../b', '/b'],
    // What is malformed stays, with its segment.
    ['/%', '/%'],
    ['/100%', '/100%'],
    ['/%2', '/%2'],
    ['/%zz', '/%zz'],
    ['/%zz%41%e2%82%ac', '/%zz%41%e2%82%ac'],
    ['/%FF', '/%FF'],
    ['/caf%E9', '/caf%E9'],
    ['/caf%e9/%41', '/caf%e9/A'],
    ['/%E2%82', '/%E2%82'],
    ['/%C0', '/%C0'],
    ['/%C3%28', '/%C3%28'],
    ['/%u20AC', '/%u20AC'],
    ['/%2%66', '/%2%66'],
    ['/%%41', '/%%41'],
    ['/a;%zz/b', '/a;%zz/b'],
    // The rest of the path is made canonical.
    ['//%41/./x/../%zz//', '/A/%zz/'],
    // All that is dangerous is refused, whatever stands beside it.
    ['/%zz/..', '/'],
    ['/%zz/../..', undefined],
    ['/../%zz', undefined],
    ['/%zz%2Fx', undefined],
    ['/%zz%2fx', undefined],
    ['/%%2F', undefined],
    ['/%2%2Fx', undefined],
    ['/%zz/%2F', undefined],
    ['/%zz%5C', undefined],
    ['/%zz\\x', undefined],
    ['/%zz%00', undefined],
    ['/%zz%0a', undefined],
    ['/%zz%7f', undefined],
    ['/%zz%2e', undefined],
    ['/%2e%2e/%zz', undefined],
    ['/..;%zz/x', undefined],
    ['/;%zz', undefined],
    ['/%zz#x', undefined],
    ['/%zz"', undefined],
    ['/%zz\u00e9', undefined],
    ['/%C0%AF', undefined],
    ['/%c0%ae%c0%ae/x', undefined],
    ['/%C1%9C', undefined],
    ['/%E0%80%AF', undefined],
    ['/%F0%80%80%AF', undefined],
    ['/%F8%80%80%80%AF', undefined],
    ['/%u002F', undefined],
    ['/%u002e%u002e/x', undefined],
    ['/%U005c', undefined],
    ['/%u0000', undefined],
  ])('makes of %j %j', (path, canonical) => {
    expect(canonicalPath(path, 'keep')).toBe(canonical);
  });

  it('gives the strict form of what is sound, and is idempotent', () => {
    const piece = fc.constantFrom(
      '/',
      '%',
      '%2',
      '%41',
      '%zz',
      '%FF',
      '%E2%82%AC',
      '%2F',
      '%2e',
      '.',
      '..',
      ';',
      'a',
      '2',
      'F',
      'u',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const path = `/${pieces.join('')}`;
        const kept = canonicalPath(path, 'keep');
        const strict = canonicalPath(path);
        if (strict !== undefined) expect(kept).toBe(strict);
        if (kept !== undefined) {
          expect(canonicalPath(kept, 'keep')).toBe(kept);
          expect(kept).not.toMatch(/%2f|%5c|%2e|%0|%1|%7f|\/\/|\/\.\.?(?:\/|$)/i);
        }
      }),
      { numRuns: 3000 },
    );
  });
});
