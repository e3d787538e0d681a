import { isIP, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';

/**
 * Names of hosts, for whoever chooses by them: one form for what a client sends and for what an operator writes. It is
 * lower case, without port and without the dot at the end, with non-ASCII names in their ASCII form (`xn--…`); IPv6
 * addresses stand without brackets, in their shortest form.
 */

/**
 * The name within an authority, as `RequestHead.authority` has it: valid and in lower case, `shop.example:8080`.
 * `''` when there is none.
 */
export function hostOfAuthority(authority: string): string {
  if (authority.charCodeAt(0) === BRACKET) return shortIPv6(authority.slice(1, authority.indexOf(']')));
  const colon = authority.indexOf(':');
  let end = colon < 0 ? authority.length : colon;
  // RFC 3986 §3.2.2: a dot at the end makes the name absolute; it is the same name.
  if (end > 0 && authority.charCodeAt(end - 1) === DOT) end--;
  return end === authority.length ? authority : authority.slice(0, end);
}

/** What a name written by a person is, or in words why it is none. */
export type ReadHostName =
  | { readonly ok: true; readonly name: string }
  | { readonly ok: false; readonly reason: string };

/** Reads `Shop.Example`, `bücher.example`, `192.0.2.1`, `::1` or `[::1]`. Never throws. */
export function readHostName(text: string): ReadHostName {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  if (isIPv6(bare) && !bare.includes('%')) return { ok: true, name: shortIPv6(bare) };
  const refuse = (reason: string) => ({ ok: false, reason }) as const;
  if (/[:/@\s]/.test(text)) return refuse('a host name has no scheme, port, path or blank');
  if (isIP(text) === 4) return { ok: true, name: text };
  const withoutDot = text.endsWith('.') ? text.slice(0, -1) : text;
  const name = /[^\0-\x7f]/.test(withoutDot) ? domainToASCII(withoutDot) : withoutDot.toLowerCase();
  if (name === '') return refuse('it is no name of a host');
  if (name.length > MAX_NAME) return refuse(`it is longer than ${MAX_NAME} characters`);
  // All digits and dots, but no address: a typing error, not a name.
  if (/^[\d.]+$/.test(name)) return refuse('it looks like an IP address and is none');
  const wrong = name.split('.').find((label) => !LABEL.test(label));
  if (wrong !== undefined)
    return refuse(
      'a label, the part between two dots, has 1 to 63 letters, digits, - and _, and no - at its ends',
    );
  return { ok: true, name };
}

/**
 * Reads an alias: a name as above, or `*.shop.example` for all names below `shop.example`; then `suffix` is that and
 * `name` what was written, in the one form.
 */
export function readHostAlias(text: string): ReadHostName & { readonly suffix?: string } {
  if (!text.includes('*')) return readHostName(text);
  if (text === '*') return { ok: false, reason: 'to answer for every name, make this host the defaultHost' };
  if (!text.startsWith('*.') || text.indexOf('*', 1) > 0)
    return { ok: false, reason: 'a * stands for whole labels, at the beginning: *.shop.example' };
  const below = readHostName(text.slice(2));
  if (!below.ok) return below;
  if (isIP(below.name) !== 0) return { ok: false, reason: 'an IP address has no names below it' };
  return { ok: true, name: `*.${below.name}`, suffix: below.name };
}

const BRACKET = 0x5b;
const DOT = 0x2e;
const MAX_NAME = 253;
/** As the connector takes them in `Host`: underscores occur, though RFC 1123 does not know them. */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/** RFC 5952: `::1` for `0:0:0:0:0:0:0:1`. */
function shortIPv6(address: string): string {
  const url = `http://[${address}]/`;
  return URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : address;
}
