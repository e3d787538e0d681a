import { describe, expect, it } from '@jest/globals';
import { Mapper } from '#host/front/mapper.js';
import { pathWithin } from '#host/runtime/path-within.js';

const mounted = ['', '/shop', '/shop/admin', '/a/b/c', '/foo%20bar', '/Shop'];
const mapper = new Mapper(mounted.map((path) => ({ path })));
const withoutRoot = new Mapper([{ path: '/shop' }]);

/** Request path, context path, path within the context. */
const table: readonly (readonly [string, string, string])[] = [
  ['/', '', '/'],
  ['/index.html', '', '/index.html'],
  ['/shop', '/shop', '/'],
  ['/shop/', '/shop', '/'],
  ['/shop/cart', '/shop', '/cart'],
  ['/shopping', '', '/shopping'],
  ['/shop.html', '', '/shop.html'],
  ['/sho', '', '/sho'],
  ['/Shop/x', '/Shop', '/x'],
  ['/shop/admin', '/shop/admin', '/'],
  ['/shop/admin/', '/shop/admin', '/'],
  ['/shop/admin/users/1', '/shop/admin', '/users/1'],
  ['/shop/administrator', '/shop', '/administrator'],
  ['/a', '', '/a'],
  ['/a/b', '', '/a/b'],
  ['/a/b/', '', '/a/b/'],
  ['/a/b/c', '/a/b/c', '/'],
  ['/a/b/c/d/e', '/a/b/c', '/d/e'],
  ['/a/b/cd', '', '/a/b/cd'],
  ['/foo%20bar/x', '/foo%20bar', '/x'],
  ['/shop;v=1', '/shop', '/'],
  ['/shop;v=1/cart', '/shop', '/cart'],
  ['/shop/cart;id=2', '/shop', '/cart;id=2'],
  ['/shop;a/admin;b/users;c', '/shop/admin', '/users;c'],
  ['/shop;a/admin;b', '/shop/admin', '/'],
  ['/shopp;ing/x', '', '/shopp;ing/x'],
  ['/;x/shop', '', '/;x/shop'],
];

describe('Mapper', () => {
  it.each(table)('maps %s to context "%s" and %s within it', (path, context, within) => {
    const found = mapper.find(path);
    expect(found?.path).toBe(context);
    expect(pathWithin(path, context)).toBe(within);
  });

  it('finds nothing for other paths when there is no ROOT', () => {
    expect(withoutRoot.find('/shopping')).toBeUndefined();
    expect(withoutRoot.find('/')).toBeUndefined();
    expect(withoutRoot.find('/shop/x')?.path).toBe('/shop');
    expect(new Mapper([]).find('/')).toBeUndefined();
  });

  it('looks up one of 1,000 contexts about as fast as one of one', () => {
    const many = new Mapper(Array.from({ length: 1000 }, (_, i) => ({ path: `/application-${i}` })));
    const one = new Mapper([{ path: '/application-500' }]);
    const cost = (subject: Mapper<{ path: string }>): number => {
      const started = process.hrtime.bigint();
      for (let i = 0; i < 200_000; i++) subject.find('/application-500/index');
      return Number(process.hrtime.bigint() - started);
    };
    cost(one);
    cost(many);
    const rounds = Array.from({ length: 7 }, () => cost(many) / cost(one)).sort((a, b) => a - b);
    // Far from 1,000; a busy machine measures badly.
    expect(rounds[3]).toBeLessThan(20);
  });
});
