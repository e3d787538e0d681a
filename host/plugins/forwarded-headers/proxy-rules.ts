import ipaddr from 'ipaddr.js';
import { PorticoError } from '../../errors.js';
import { nodeOf } from './apply.js';

/** An address of a proxy: a name, an address, or a range such as `10.0.0.0/8`. */
type ProxyPattern = (text: string) => boolean;

/**
 * Which of the values that proxies have written is believed. The rightmost value was written by the proxy next to
 * us; what stands left of a proxy that cannot be trusted was written by anybody.
 */
export class ProxyRules {
  #choose: (clients: readonly string[]) => number = () => 0;
  #isPeerTrusted: ProxyPattern | undefined;

  /** The leftmost value. Right only when the first proxy removes what clients send. The default, as in Ktor. */
  useFirstProxy(): void {
    this.#choose = () => 0;
  }

  /** The rightmost value: there is one proxy. */
  useLastProxy(): void {
    this.#choose = (clients) => clients.length - 1;
  }

  /** Leaves out the `count` rightmost values: there are `count + 1` proxies. The last one when there are too few. */
  skipLastProxies(count: number): void {
    this.#choose = (clients) => (count < clients.length ? clients.length - 1 - count : clients.length - 1);
  }

  /** Leaves out values of these proxies, from the right. Names, addresses, ranges (`10.0.0.0/8`). */
  skipKnownProxies(proxies: readonly string[]): void {
    const isKnown = anyOf(proxies);
    this.#choose = (clients) => {
      let index = clients.length - 1;
      while (index > 0 && isKnown(nodeOf(clients[index] as string)?.name ?? '')) index--;
      return index;
    };
  }

  /** Believes headers only on connections from these addresses; without it, from everywhere. */
  trustOnly(proxies: readonly string[]): void {
    this.#isPeerTrusted = anyOf(proxies);
  }

  isTrusted(remoteAddress: string): boolean {
    return this.#isPeerTrusted?.(remoteAddress) ?? true;
  }

  /** Index of the value that is believed, counted in the list of clients. */
  indexOf(clients: readonly string[]): number {
    return this.#choose(clients);
  }
}

/** The value at a place of a list of which others tell the place; the last one when it is shorter. */
export function valueAt(values: readonly string[], index: number, length: number): string | undefined {
  if (values.length === 0) return undefined;
  // Lists of one length belong together; a shorter one was written by fewer proxies, those next to us.
  const own = values.length === length || length === 0 ? index : values.length - (length - index);
  return values[Math.min(Math.max(own, 0), values.length - 1)];
}

function anyOf(proxies: readonly string[]): ProxyPattern {
  const patterns = proxies.map(patternOf);
  return (text) => patterns.some((matches) => matches(text));
}

function patternOf(proxy: string): ProxyPattern {
  if (!proxy.includes('/')) {
    if (!ipaddr.isValid(proxy)) return (text) => text.toLowerCase() === proxy.toLowerCase();
    const address = ipaddr.process(proxy).toNormalizedString();
    return (text) => ipaddr.isValid(text) && ipaddr.process(text).toNormalizedString() === address;
  }
  let range: ReturnType<typeof ipaddr.parseCIDR>;
  try {
    range = ipaddr.parseCIDR(proxy);
  } catch (cause) {
    throw new PorticoError(
      'PORTICO_PROXY_RANGE',
      `${JSON.stringify(proxy)} is not a range of addresses. Write for example 10.0.0.0/8 or fd00::/8.`,
      { cause },
    );
  }
  const [base, bits] = range;
  return (text) => {
    if (!ipaddr.isValid(text)) return false;
    const address = ipaddr.process(text);
    return address.kind() === base.kind() && address.match(base, bits);
  };
}
