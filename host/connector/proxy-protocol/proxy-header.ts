import type { TlsInfo } from '../../exchange/tls-info.js';

/**
 * What the first bytes of a connection say. `absent`: they are no header of the PROXY protocol. `broken`: they begin as one
 * and go on otherwise. With `addresses` undefined the connection itself counts: the sender speaks for itself (LOCAL), or
 * does not know.
 */
export type ProxyHeader =
  | { readonly state: 'incomplete' | 'absent' | 'broken' }
  | { readonly state: 'complete'; readonly length: number; readonly addresses: ProxiedAddresses | undefined };

/** What the sender tells of the connection beyond its addresses; absent: nothing. */
export interface ProxiedFacts {
  /** The client spoke TLS with the sender. */
  readonly isSecure?: true;
  readonly tls?: TlsInfo;
}

/** Both ends of the connection that the sender has accepted; '' and 0 for Unix sockets. */
export interface ProxiedAddresses extends ProxiedFacts {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

export const INCOMPLETE: ProxyHeader = { state: 'incomplete' };
export const ABSENT: ProxyHeader = { state: 'absent' };
export const BROKEN: ProxyHeader = { state: 'broken' };
