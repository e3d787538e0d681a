import { describe, expect, it } from '@jest/globals';
import { callerName, internalHostOf, isInternalAuthority } from '#host/http/internal-name.js';

describe('the host of an application', () => {
  it.each([
    ['shop', 'shop.portico.internal'],
    ['Shop', 'shop.portico.internal'],
    ['ROOT', 'root.portico.internal'],
    ['foo#bar#baz', 'foo--bar--baz.portico.internal'],
    ['my.shop_2~a', 'my.shop_2~a.portico.internal'],
    ['bücher', 'xn--bcher-kva.portico.internal'],
    ['xn#zz', undefined],
    ['a b', undefined],
  ])('of %s is %s', (name, host) => {
    expect(internalHostOf(name)).toBe(host);
    // What fetch makes of it.
    if (host !== undefined) expect(new URL(`http://${host}/`).host).toBe(host);
  });

  it.each([
    ['shop.portico.internal', true],
    ['shop.portico.internal:8080', true],
    ['shop.portico.internal.', true],
    ['a.b.portico.internal.:80', true],
    ['portico.internal', true],
    ['shop.portico.internal.example', false],
    ['notportico.internal', false],
    ['portico.internal.example:80', false],
    ['[::1]:80', false],
    ['', false],
  ])('%s: %s', (authority, isInternal) => {
    expect(isInternalAuthority(authority)).toBe(isInternal);
  });

  it('is told as a field value', () => {
    expect([callerName('foo#bar'), callerName('bücher')]).toEqual(['foo#bar', 'b%C3%BCcher']);
  });
});
