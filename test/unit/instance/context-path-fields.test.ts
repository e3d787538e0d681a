import { describe, expect, it } from '@jest/globals';
import { withContextPath, withoutContextPath } from '#host/instance/context-path-fields.js';

const MOUNT = { contextPath: '/shop', authority: 'shop.test:8080' };

/** field, what the application sends, what the client gets */
const CASES: readonly (readonly [string, string, string])[] = [
  ['location', '/', '/shop/'],
  ['location', '/cart', '/shop/cart'],
  ['location', '/cart?a=/b#/c', '/shop/cart?a=/b#/c'],
  ['location', '/?next=1', '/shop/?next=1'],
  ['location', '/shop', '/shop'],
  ['location', '/shop/', '/shop/'],
  ['location', '/shop/cart', '/shop/cart'],
  ['location', '/shop?x', '/shop?x'],
  ['location', '/shopping', '/shop/shopping'],
  ['location', 'cart', 'cart'],
  ['location', '../cart', '../cart'],
  ['location', '?page=2', '?page=2'],
  ['location', '', ''],
  // Another host, however it is written.
  ['location', '//evil.test/x', '//evil.test/x'],
  ['location', '/\\evil.test/x', '/\\evil.test/x'],
  ['location', '///evil.test', '///evil.test'],
  ['location', 'http://evil.test/x', 'http://evil.test/x'],
  ['location', 'http://shop.test:8080@evil.test/x', 'http://shop.test:8080@evil.test/x'],
  ['location', 'http://shop.test:8080\\@evil.test/', 'http://shop.test:8080\\@evil.test/'],
  ['location', 'javascript:alert(1)', 'javascript:alert(1)'],
  // This host.
  ['location', 'http://shop.test:8080/cart', 'http://shop.test:8080/shop/cart'],
  ['location', 'https://SHOP.test:8080/cart', 'https://SHOP.test:8080/shop/cart'],
  ['location', 'http://shop.test:8080', 'http://shop.test:8080/shop/'],
  ['location', 'http://shop.test:8080?a', 'http://shop.test:8080/shop/?a'],
  ['location', 'http://shop.test:8080/shop/cart', 'http://shop.test:8080/shop/cart'],
  ['location', 'http://shop.test:8080//evil.test', 'http://shop.test:8080//evil.test'],
  ['location', 'http://shop.test:9090/cart', 'http://shop.test:9090/cart'],
  ['content-location', '/cart.json', '/shop/cart.json'],
  ['refresh', '5; url=/next', '5; url=/shop/next'],
  ['refresh', '0;URL="/next"', '0;URL="/shop/next"'],
  ['refresh', "3, url='/next'", "3, url='/shop/next'"],
  ['refresh', '3; /next', '3; /shop/next'],
  ['refresh', '5; url=//evil.test', '5; url=//evil.test'],
  ['refresh', '5', '5'],
  ['set-cookie', 'id=1; Path=/', 'id=1; Path=/shop'],
  ['set-cookie', 'id=1; path=/ ; HttpOnly', 'id=1; path=/shop; HttpOnly'],
  ['set-cookie', 'id=1; Path=/admin; Secure', 'id=1; Path=/shop/admin; Secure'],
  ['set-cookie', 'id=1; Path=/shop', 'id=1; Path=/shop'],
  ['set-cookie', 'id=1; Path=/shop/a', 'id=1; Path=/shop/a'],
  ['set-cookie', 'id=1; Path=/shopping', 'id=1; Path=/shop/shopping'],
  ['set-cookie', 'id=1; HttpOnly', 'id=1; HttpOnly'],
  ['set-cookie', 'id=/; Domain=shop.test', 'id=/; Domain=shop.test'],
  ['set-cookie', 'path=/; Path=/a; Path=/b', 'path=/; Path=/shop/a; Path=/shop/b'],
  ['set-cookie', '__Host-id=1; Secure; Path=/', '__Host-id=1; Secure; Path=/'],
  ['content-type', '/x', '/x'],
  ['link', '</style.css>; rel=preload', '</style.css>; rel=preload'],
];

describe('fields of an application mounted at /shop on shop.test:8080', () => {
  it.each(CASES)('%s: %s becomes %s', (name, sent, received) => {
    expect(withContextPath(name, sent, MOUNT)).toBe(received);
  });

  it('knows the default port of a scheme', () => {
    const mount = { contextPath: '/shop', authority: 'shop.test' };
    expect(withContextPath('location', 'https://shop.test:443/a', mount)).toBe(
      'https://shop.test:443/shop/a',
    );
    expect(withContextPath('location', 'http://shop.test:443/a', mount)).toBe('http://shop.test:443/a');
  });

  it('knows the host by both names that the application hears', () => {
    const fields = { get: (name: string) => (name === 'host' ? 'Inner.Test:81' : undefined) };
    const mount = { ...MOUNT, fields };
    expect(withContextPath('location', 'http://inner.test:81/a', mount)).toBe('http://inner.test:81/shop/a');
    expect(withContextPath('location', 'http://shop.test:8080/a', mount)).toBe(
      'http://shop.test:8080/shop/a',
    );
    expect(withContextPath('location', 'http://inner.test/a', mount)).toBe('http://inner.test/a');
  });

  it('leaves absolute URLs alone when the client named no host', () => {
    expect(withContextPath('location', 'http:///a', { contextPath: '/shop', authority: '' })).toBe(
      'http:///a',
    );
  });
});

describe('the context path for whoever calls the application by a name', () => {
  const mount = { contextPath: '/shop', authority: 'shop.portico.internal' };
  it.each([
    ['location', '/shop/cart?a#b', '/cart?a#b'],
    ['location', '/shop', '/'],
    ['location', '/shop?a', '/?a'],
    ['location', '/shopping', '/shopping'],
    ['location', '/other/x', '/other/x'],
    ['location', 'cart', 'cart'],
    // What is left must not lead to another host.
    ['location', '/shop//evil.test', '/shop//evil.test'],
    ['location', '/shop/\\evil.test', '/shop/\\evil.test'],
    ['location', '//shop/x', '//shop/x'],
    ['location', 'http://shop.portico.internal/shop/cart', 'http://shop.portico.internal/cart'],
    ['location', 'http://other.test/shop/cart', 'http://other.test/shop/cart'],
    ['content-location', '/shop/a.json', '/a.json'],
    ['refresh', '5; url="/shop/next"', '5; url="/next"'],
    ['set-cookie', 'a=b; Path=/shop; Secure', 'a=b; Path=/; Secure'],
    ['set-cookie', 'a=b; path="/shop/x"', 'a=b; path="/x"'],
    ['set-cookie', 'a=b; Path=/', 'a=b; Path=/'],
    ['set-cookie', '__Host-a=b; Path=/', '__Host-a=b; Path=/'],
    ['etag', '/shop/x', '/shop/x'],
  ])('%s: %s becomes %s', (name, value, expected) => {
    expect(withoutContextPath(name, value, mount)).toBe(expected);
  });
});
