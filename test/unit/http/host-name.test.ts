import { describe, expect, it } from '@jest/globals';
import { hostOfAuthority, readHostAlias, readHostName } from '#host/http/host-name.js';

describe('hostOfAuthority', () => {
  it.each([
    ['shop.example', 'shop.example'],
    ['shop.example:8080', 'shop.example'],
    ['shop.example.', 'shop.example'],
    ['shop.example.:443', 'shop.example'],
    ['xn--bcher-kva.example:80', 'xn--bcher-kva.example'],
    ['192.0.2.1:8080', '192.0.2.1'],
    ['[::1]', '::1'],
    ['[::1]:8080', '::1'],
    ['[0:0:0:0:0:0:0:1]:8080', '::1'],
    ['[2001:db8::0:1]', '2001:db8::1'],
    ['[::ffff:192.0.2.1]:80', '::ffff:c000:201'],
    ['', ''],
  ])('takes %j for the host %j', (authority, host) => expect(hostOfAuthority(authority)).toBe(host));
});

describe('readHostName', () => {
  it.each([
    ['Shop.Example', 'shop.example'],
    ['shop.example.', 'shop.example'],
    ['localhost', 'localhost'],
    ['my_host.example', 'my_host.example'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['BÜCHER.example', 'xn--bcher-kva.example'],
    ['192.0.2.1', '192.0.2.1'],
    ['::1', '::1'],
    ['[0:0::1]', '::1'],
    ['1.example', '1.example'],
  ])('reads %j as %j', (text, name) => expect(readHostName(text)).toEqual({ ok: true, name }));

  it.each([
    [''],
    ['.'],
    ['a..b'],
    ['.shop.example'],
    ['-a.example'],
    ['a-.example'],
    ['http://shop.example'],
    ['shop.example:80'],
    ['shop.example/cart'],
    ['a b'],
    ['user@shop.example'],
    ['1.2.3'],
    ['256.1.1.1'],
    ['fe80::1%eth0'],
    [`${'a'.repeat(64)}.example`],
    [`${'a.'.repeat(127)}example`],
    ['a,b'],
    ['a\0b'],
    ['*'],
    ['%41.example'],
  ])('refuses %j', (text) => expect(readHostName(text)).toMatchObject({ ok: false }));
});

describe('readHostAlias', () => {
  it('reads a wildcard and what is below it', () => {
    expect(readHostAlias('*.Shop.example.')).toEqual({
      ok: true,
      name: '*.shop.example',
      suffix: 'shop.example',
    });
  });

  it.each([['*'], ['*.'], ['**.a'], ['*.*.a'], ['a.*'], ['a*.b'], ['*.192.0.2.1'], ['*.::1'], ['*a.b']])(
    'refuses %j',
    (text) => expect(readHostAlias(text)).toMatchObject({ ok: false }),
  );
});
