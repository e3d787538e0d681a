import { describe, expect, it } from '@jest/globals';
import { type Hosted, HostMapper } from '#host/front/host-mapper.js';
import { HostNames } from '#host/front/host-names.js';

const hosts = [
  { name: 'shop.example', aliases: ['www.shop.example', '*.shop.example', 'xn--bcher-kva.example'] },
  { name: 'eu.example', aliases: ['*.eu.shop.example', '*.internal'] },
  { name: 'one.shop.example', aliases: ['192.0.2.1', '2001:db8::1'] },
  { name: 'main.example', aliases: ['*.main.example'] },
];

/** What a client names, and the host that answers: `-` is nobody, `default` the default host. */
const table: readonly (readonly [string, string])[] = [
  ['shop.example', 'shop.example'],
  ['shop.example:8080', 'shop.example'],
  ['shop.example.', 'shop.example'],
  ['www.shop.example', 'shop.example'],
  ['a.shop.example', 'shop.example'],
  ['b.a.shop.example:80', 'shop.example'],
  ['eu.shop.example', 'shop.example'],
  ['x.eu.shop.example', 'eu.example'],
  ['y.x.eu.shop.example.', 'eu.example'],
  ['one.shop.example', 'one.shop.example'],
  ['x.one.shop.example', 'shop.example'],
  ['a.internal', 'eu.example'],
  ['internal', '-'],
  ['myshop.example', '-'],
  ['shop.example.org', '-'],
  ['example', '-'],
  ['xn--bcher-kva.example', 'shop.example'],
  ['192.0.2.1:8080', 'one.shop.example'],
  ['192.0.2.2', '-'],
  ['[2001:db8::1]:8080', 'one.shop.example'],
  ['[2001:db8:0:0::1]', 'one.shop.example'],
  ['[::1]', '-'],
  ['main.example', 'default'],
  ['a.main.example', 'default'],
  ['', 'default'],
];

describe('HostNames', () => {
  const strict = new HostNames({ hosts, defaultHost: 'main.example', unknownHost: 421 });
  const lenient = new HostNames({ hosts, defaultHost: 'main.example', unknownHost: 'default' });
  const implicit = new HostNames({ hosts, defaultHost: undefined, unknownHost: 'default' });

  it.each(table)('takes %j to %s', (authority, host) => {
    expect(strict.find(authority)).toBe(host === '-' ? undefined : host === 'default' ? '' : host);
    expect(lenient.find(authority)).toBe(host === '-' || host === 'default' ? '' : host);
  });

  it('has a default host without a name beside all others', () => {
    expect(implicit.find('main.example')).toBe('main.example');
    expect(implicit.find('nobody.example')).toBe('');
  });

  it('looks at no more labels than its longest suffix has', () => {
    expect(strict.find(`${'a.'.repeat(120)}shop.example`)).toBe('shop.example');
    expect(strict.find(`${'a.'.repeat(120)}example`)).toBeUndefined();
  });
});

describe('HostMapper', () => {
  const contexts = [
    { host: '', path: '' },
    { host: 'a.example', path: '' },
    { host: 'a.example', path: '/shop' },
    { host: 'b.example', path: '/shop' },
    { host: '*', path: '/shop' },
    { host: '*', path: '/shop/admin' },
    { host: '*', path: '/status' },
  ];
  const mapper = HostMapper.empty<Hosted>().with(contexts, []);

  it.each([
    ['', '/', '|'],
    ['', '/shop/x', '*|/shop'],
    ['', '/status', '*|/status'],
    ['a.example', '/', 'a.example|'],
    ['a.example', '/shop', 'a.example|/shop'],
    ['a.example', '/shop/admin/x', '*|/shop/admin'],
    ['a.example', '/status/x', '*|/status'],
    ['b.example', '/shop', 'b.example|/shop'],
    ['b.example', '/', '-'],
    ['c.example', '/shop', '*|/shop'],
    ['c.example', '/', '-'],
  ])('finds on host "%s" for %s the context %s', (host, path, expected) => {
    const found = mapper.find(host, path);
    expect(found === undefined ? '-' : `${found.host}|${found.path}`).toBe(expected);
  });

  it('changes what is named, and leaves the one before it as it was', () => {
    const changed = mapper.with(
      [
        { host: 'c.example', path: '' },
        { host: 'a.example', path: '/new' },
      ],
      [
        { host: 'a.example', path: '/shop' },
        { host: 'b.example', path: '/shop' },
        { host: '*', path: '/status' },
        { host: 'none.example', path: '/none' },
      ],
    );
    const at = (from: HostMapper<Hosted>, host: string, path: string) => {
      const found = from.find(host, path);
      return found === undefined ? '-' : `${found.host}|${found.path}`;
    };
    expect(at(changed, 'c.example', '/')).toBe('c.example|');
    expect(at(changed, 'a.example', '/new')).toBe('a.example|/new');
    expect(at(changed, 'a.example', '/shop')).toBe('*|/shop');
    expect(at(changed, 'b.example', '/shop')).toBe('*|/shop');
    expect(at(changed, 'b.example', '/status')).toBe('-');
    expect(at(mapper, 'c.example', '/')).toBe('-');
    expect(at(mapper, 'a.example', '/shop')).toBe('a.example|/shop');
    expect(at(mapper, 'b.example', '/status')).toBe('*|/status');
  });

  it('takes about as long for a thousand hosts as for one', () => {
    const names = Array.from({ length: 1000 }, (_, i) => `host-${i}.example`);
    const lookup = (count: number) => {
      const some = names.slice(0, count);
      const found = new HostNames({
        hosts: some.map((name) => ({ name, aliases: [`*.${name}`] })),
        defaultHost: undefined,
        unknownHost: 'default',
      });
      const mapped = HostMapper.empty<Hosted>().with(
        some.map((host) => ({ host, path: '/shop' })),
        [],
      );
      return () => mapped.find(found.find('host-0.example:8080') ?? '', '/shop/cart');
    };
    const one = lookup(1);
    const many = lookup(1000);
    const time = (find: () => unknown) => {
      const from = performance.now();
      for (let i = 0; i < 20_000; i++) find();
      return performance.now() - from;
    };
    time(one);
    time(many);
    const best = (find: () => unknown) => Math.min(...Array.from({ length: 7 }, () => time(find)));
    expect(many()).toMatchObject({ host: 'host-0.example' });
    // A lookup that looks at every host would be hundreds of times slower.
    expect(best(many)).toBeLessThan(best(one) * 20);
  });
});
