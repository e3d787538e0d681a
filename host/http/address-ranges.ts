import { BlockList, isIP } from 'node:net';

/** Stands for the other end of a Unix socket, which has no address. */
export const UNIX = 'unix';

/**
 * A set of addresses, made of single ones, of ranges (`10.0.0.0/8`, `fd00::/8`) and of the word `unix`, as `isAddressRange`
 * accepts them. Immutable.
 */
export class AddressRanges {
  readonly #list = new BlockList();
  readonly #hasUnix: boolean;
  readonly #isEmpty: boolean;

  constructor(ranges: readonly string[]) {
    this.#hasUnix = ranges.includes(UNIX);
    const addresses = ranges.filter((range) => range !== UNIX);
    this.#isEmpty = addresses.length === 0;
    for (const range of addresses) {
      const { address, prefix, family } = partsOf(range) ?? {};
      if (address === undefined || family === undefined)
        throw new TypeError(`${range} is no range of addresses`);
      this.#list.addSubnet(address, prefix ?? (family === 'ipv4' ? 32 : 128), family);
    }
  }

  /** `address` is in its plain form (`plainAddress`), or '' for the other end of a Unix socket. */
  has(address: string): boolean {
    if (address === '') return this.#hasUnix;
    if (this.#isEmpty) return false;
    const family = isIP(address);
    return family !== 0 && this.#list.check(address, family === 6 ? 'ipv6' : 'ipv4');
  }
}

/** True for an address, a range, and `unix`. */
export function isAddressRange(text: string): boolean {
  return text === UNIX || partsOf(text) !== undefined;
}

/** An IPv4 address that was written as one of IPv6 (`::ffff:10.0.0.1`) as what it is; others as they are. */
export function plainAddress(address: string): string {
  if (!/^::ffff:/i.test(address)) return address;
  const rest = address.slice(7);
  return isIP(rest) === 4 ? rest : address;
}

interface Parts {
  readonly address: string;
  readonly prefix: number | undefined;
  readonly family: 'ipv4' | 'ipv6';
}

function partsOf(text: string): Parts | undefined {
  const [address = '', bits, ...more] = text.split('/');
  const version = address.includes('%') ? 0 : isIP(address);
  if (version === 0 || more.length > 0) return undefined;
  if (bits !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(bits)) return undefined;
  const prefix = bits === undefined ? undefined : Number(bits);
  if (prefix !== undefined && prefix > (version === 4 ? 32 : 128)) return undefined;
  return { address, prefix, family: version === 4 ? 'ipv4' : 'ipv6' };
}
