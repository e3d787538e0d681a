import { isIP } from 'node:net';
import { plainAddress } from './address-ranges.js';

/** Who a proxy got a request from. */
export interface ForwardedNode {
  /** Plain form; undefined for `unknown` and for names a proxy has made up (RFC 7239 §6.2, §6.3). */
  readonly address: string | undefined;
  /** 0 when it is not told. */
  readonly port: number;
}

/**
 * A node as RFC 7239 §6 has it: `192.0.2.1`, `192.0.2.1:47011`, `[2001:db8::1]:47011`, `unknown`, `_hidden`. Undefined for
 * anything else.
 */
export function parseForwardedNode(text: string): ForwardedNode | undefined {
  const match =
    /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([0-9.]{7,15})|unknown|_[A-Za-z0-9._-]+)(?::(\d{1,5}|_[A-Za-z0-9._-]+))?$/.exec(
      text,
    );
  if (match === null) return undefined;
  const [, six, four, given] = match;
  if (six !== undefined && isIP(six) !== 6) return undefined;
  if (four !== undefined && isIP(four) !== 4) return undefined;
  const port = given === undefined || given.startsWith('_') ? 0 : Number(given);
  if (port > 65_535) return undefined;
  const address = six ?? four;
  return { address: address === undefined ? undefined : plainAddress(address.toLowerCase()), port };
}

/** An element of `X-Forwarded-For`: as a node, but always an address, and IPv6 also without brackets. */
export function parseForwardedAddress(text: string): ForwardedNode | undefined {
  if (isIP(text) === 6 && !text.includes('%')) return { address: plainAddress(text.toLowerCase()), port: 0 };
  const node = parseForwardedNode(text);
  return node?.address === undefined ? undefined : node;
}
