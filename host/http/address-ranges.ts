import { BlockList, isIP } from 'node:net';

/** Stands for the other end of a Unix socket, which has no address. */
const UNIX = 'unix';

/**
 * A set of addresses, made of single ones, of ranges (`10.0.0.0/8`, `fd00::/8`) and of the word `unix`, as `isAddressRange`
 * accepts them. Immutable.
 */
export class AddressRanges {
  /** Two lists: one would take every IPv4 address for one of `::/0`. */
  readonly #ipv4 = new BlockList();
  readonly #ipv6 = new BlockList();
  readonly #hasUnix: boolean;

  constructor(ranges: readonly string[]) {
    this.#hasUnix = ranges.includes(UNIX);
    for (const range of ranges) {
      if (range === UNIX) continue;
      const parts = partsOf(range);
      if (parts === undefined) throw new TypeError(`${range} is no range of addresses`);
      const { address, prefix, isIpv4 } = parts;
      if (isIpv4) this.#ipv4.addSubnet(address, prefix ?? 32, 'ipv4');
      else this.#ipv6.addSubnet(address, prefix ?? 128, 'ipv6');
    }
  }

  /** `address` is in its plain form (`plainAddress`), or '' for the other end of a Unix socket. */
  has(address: string): boolean {
    switch (address === '' ? 0 : isIP(address)) {
      case 4:
        return this.#ipv4.check(address, 'ipv4');
      case 6:
        return this.#ipv6.check(address, 'ipv6');
      default:
        return address === '' && this.#hasUnix;
    }
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
  readonly isIpv4: boolean;
}

function partsOf(text: string): Parts | undefined {
  const [address = '', bits, ...more] = text.split('/');
  const version = address.includes('%') ? 0 : isIP(address);
  if (version === 0 || more.length > 0) return undefined;
  if (bits !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(bits)) return undefined;
  const prefix = bits === undefined ? undefined : Number(bits);
  if (prefix !== undefined && prefix > (version === 4 ? 32 : 128)) return undefined;
  return { address, prefix, isIpv4: version === 4 };
}
