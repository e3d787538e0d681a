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
