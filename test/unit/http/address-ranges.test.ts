import { describe, expect, it } from '@jest/globals';
import { AddressRanges, isAddressRange, plainAddress } from '#host/http/address-ranges.js';

describe('address ranges', () => {
  it.each([
    ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255'], ['9.255.255.255', '11.0.0.0', '::1', '']],
    ['10.1.2.3', ['10.1.2.3'], ['10.1.2.2', '10.1.2.4']],
    ['10.1.2.3/24', ['10.1.2.0', '10.1.2.255'], ['10.1.3.0']],
    ['0.0.0.0/0', ['1.2.3.4'], ['::1', '']],
    ['fd00::/8', ['fd00::1', 'fdff:ffff::'], ['fe00::', '10.0.0.1', '']],
    ['::/0', ['::1', 'ffff::'], ['127.0.0.1', '']],
    ['::1', ['::1', '0:0:0:0:0:0:0:1'], ['::2', '127.0.0.1']],
    ['unix', [''], ['127.0.0.1', '::1', 'unix']],
  ])('%s', (range, inside, outside) => {
    expect(isAddressRange(range)).toBe(true);
    const ranges = new AddressRanges([range]);
    for (const address of inside) expect([address, ranges.has(address)]).toEqual([address, true]);
    for (const address of outside) expect([address, ranges.has(address)]).toEqual([address, false]);
  });

  it.each([
    '',
    'localhost',
    '10.0.0',
    '10.0.0.0/33',
    '::/129',
    '10.0.0.0/',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    'fe80::1%lo',
    '*',
  ])('%j is none', (text) => {
    expect(isAddressRange(text)).toBe(false);
    expect(() => new AddressRanges([text])).toThrow();
  });

  it('knows IPv4 within IPv6', () => {
    expect(plainAddress('::ffff:10.0.0.1')).toBe('10.0.0.1');
    expect(plainAddress('::FFFF:10.0.0.1')).toBe('10.0.0.1');
    expect(plainAddress('::ffff:a00:1')).toBe('::ffff:a00:1');
    expect(plainAddress('::1')).toBe('::1');
  });
});
