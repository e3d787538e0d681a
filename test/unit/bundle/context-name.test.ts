import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  isIgnoredFileName,
  parseContextName,
  parseContextPath,
  splitFileName,
} from '#host/bundle/context-name.js';

/** The base name that leads to this path and version: `parseContextName` the other way. */
function baseNameOf(contextPath: string, version: string): string {
  const application =
    contextPath === '' ? 'ROOT' : decodeURIComponent(contextPath.slice(1)).replaceAll('/', '#');
  return version === '' ? application : `${application}##${version}`;
}

describe('parseContextName', () => {
  it.each([
    ['foo', '/foo', '', 'foo'],
    ['foo##42', '/foo', '42', 'foo'],
    ['foo#bar', '/foo/bar', '', 'foo#bar'],
    ['foo#bar##2', '/foo/bar', '2', 'foo#bar'],
    ['ROOT', '', '', 'ROOT'],
    ['ROOT##2', '', '2', 'ROOT'],
    ['ROOT#x', '/ROOT/x', '', 'ROOT#x'],
    ['root', '/root', '', 'root'],
    ['shop-1.2_b~c', '/shop-1.2_b~c', '', 'shop-1.2_b~c'],
    ['shop##1.0.0-rc.1+build', '/shop', '1.0.0-rc.1+build', 'shop'],
    ['caf\u00e9', '/caf%C3%A9', '', 'caf\u00e9'],
    ['cafe\u0301', '/caf%C3%A9', '', 'caf\u00e9'],
    ['foo#admin', '/foo/admin', '', 'foo#admin'],
  ])('reads %s as %s version %j', (baseName, contextPath, version, application) => {
    const result = parseContextName(baseName);
    expect(result).toMatchObject({ ok: true, value: { contextPath, version, application } });
    expect(baseNameOf(contextPath, version)).toBe(baseName.normalize('NFC'));
  });

  it.each([
    ['', /empty/],
    ['.hidden', /dot or tilde/],
    ['~', /dot or tilde/],
    ['~user', /dot or tilde/],
    ['foo##', /without a version/],
    ['##1', /version but no name/],
    ['##', /version but no name/],
    ['foo##1##2', /version with other characters/],
    ['foo###2', /version with other characters/],
    ['#', /empty segment/],
    ['foo#', /empty segment/],
    ['#foo', /empty segment/],
    ['foo##../x', /version with other characters/],
    ['foo##..', /version that does not begin with a letter or a digit/],
    ['foo##-1', /version that does not begin with a letter or a digit/],
    ['..', /dot or tilde/],
    ['foo#..', /dot or tilde/],
    ['foo#.git', /dot or tilde/],
    ['a/b', /other characters/],
    ['a\\b', /other characters/],
    ['foo bar', /space/],
    ['foo;x', /other characters/],
    ['a?b', /other characters/],
    ['a:b', /other characters/],
    ['%2e%2e', /percent/],
    ['x'.repeat(300), /longer than 160/],
    ['CON', /reserved/],
    ['con', /reserved/],
    ['nul.txt', /reserved/],
    ['foo#LPT1', /reserved/],
    ['WEB-INF', /reserved/],
    ['meta-inf', /reserved/],
    ['node_modules', /reserved/],
    ['admin', /kept for the host/],
    ['Admin#x', /kept for the host/],
    ['a\nb', /control/],
    ['a\u0000b', /control/],
    ['a\u007fb', /control/],
    ['a\u0085b', /control/],
    ['abc\u202egpj', /invisible/],
    ['a\u200bb', /invisible/],
    ['a\ufeffb', /invisible/],
    ['a\ufffdb', /UTF-8/],
    ['a\ud800b', /UTF-8/],
    ['foo.', /ends in a dot/],
    ['\u0301a', /combining mark/],
    ['<script>', /other characters/],
  ])('refuses %j with a reason', (baseName, reason) => {
    const result = parseContextName(baseName);
    expect(result.ok ? 'accepted' : result.reason).toMatch(reason);
  });

  it('never throws, and what it accepts is safe in a path and comes back as the same name', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string({ unit: fc.constantFrom('#', 'a', '.', '~', '2', 'R') }),
        ),
        (name) => {
          const result = parseContextName(name);
          if (!result.ok) return expect(result.reason).not.toMatch(/\p{Cc}/u);
          const { contextPath, version } = result.value;
          expect(contextPath).toMatch(/^(\/[A-Za-z0-9._~%-]+)*$/);
          expect(contextPath.split('/')).not.toContain('..');
          expect(baseNameOf(contextPath, version)).toBe(result.value.name);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('parseContextPath', () => {
  it.each([
    ['/', ''],
    ['', ''],
    ['/shop', '/shop'],
    ['/foo/bar', '/foo/bar'],
    ['/caf\u00e9', '/caf%C3%A9'],
  ])('takes %j as %j', (text, contextPath) => {
    expect(parseContextPath(text)).toEqual({ ok: true, contextPath });
  });

  it.each([
    ['shop', /begin with a slash/],
    ['/shop/', /ends in a slash/],
    ['//evil.example', /empty segment/],
    ['/a//b', /empty segment/],
    ['/../x', /dot or tilde/],
    ['/a/./b', /dot or tilde/],
    ['/%2e%2e', /percent/],
    ['/a b', /space/],
    ['/a\nb', /control/],
    ['/a?b', /other characters/],
    ['/a#b', /other characters/],
    ['/admin', /kept for the host/],
    ['/portico/x', /kept for the host/],
    ['/a\u202eb', /invisible/],
    [`/${'x'.repeat(5000)}`, /longer than/],
  ])('refuses %j', (text, reason) => {
    const result = parseContextPath(text);
    expect(result.ok ? 'accepted' : result.reason).toMatch(reason);
  });
});

describe('splitFileName', () => {
  it.each([
    ['shop.tgz', 'archive', 'shop'],
    ['shop.TAR.GZ', 'archive', 'shop'],
    ['foo#bar##1.2.zip', 'archive', 'foo#bar##1.2'],
    ['shop.yaml', 'descriptor', 'shop'],
    ['shop.yml', 'descriptor', 'shop'],
    ['shop.ready', 'ready-marker', 'shop'],
    ['shop', 'other', 'shop'],
    ['shop##1.2', 'other', 'shop##1.2'],
    ['x.war', 'other', 'x.war'],
    ['.tgz', 'archive', ''],
  ])('%s is %s of %j', (fileName, kind, baseName) => {
    expect(splitFileName(fileName)).toEqual({ kind, baseName });
  });

  it('ignores hidden files and what editors and copies leave', () => {
    const ignored = [
      '.hidden',
      '.shop.yaml.swp',
      'shop.yaml~',
      '~lock',
      '#shop.yaml#',
      'shop.tgz.part',
      'shop.tmp',
    ];
    expect(ignored.filter((name) => !isIgnoredFileName(name))).toEqual([]);
    const seen = ['shop', '#', '##1', 'foo#', 'shop.tgz', 'foo bar'];
    expect(seen.filter((name) => isIgnoredFileName(name))).toEqual([]);
  });
});
