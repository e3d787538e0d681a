import { isIP } from 'node:net';
import { plainAddress } from '../../http/address-ranges.js';
import { BROKEN, INCOMPLETE, type ProxyHeader } from './proxy-header.js';

/** Longest line of version 1, its end included (§2.1: 107 with the closing NUL of C left out). */
const MAX_TEXT_BYTES = 107;

/** Version 1: one line of text (§2.1). The bytes begin with `PROXY `. */
export function readTextHeader(bytes: Buffer): ProxyHeader {
  const window = bytes.subarray(0, MAX_TEXT_BYTES);
  const lineEnd = window.indexOf('\r\n', 0, 'latin1');
  if (lineEnd < 0) {
    // A line end that has begun may be completed; anything else that ends a line is none.
    const hasBareEnd = window.includes(LF) || window.subarray(0, -1).includes(CR);
    return hasBareEnd || bytes.length >= MAX_TEXT_BYTES ? BROKEN : INCOMPLETE;
  }
  const line = window.toString('latin1', 0, lineEnd);
  if (/[\r\n]/.test(line)) return BROKEN;
  const length = lineEnd + 2;
  // §2.1: of UNKNOWN the rest of the line is to be ignored.
  if (/^PROXY UNKNOWN(?: |$)/.test(line)) return { state: 'complete', length, addresses: undefined };
  const match = /^PROXY TCP([46]) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) (\d{1,5}) (\d{1,5})$/.exec(line);
  if (match === null) return BROKEN;
  const [, family, source = '', destination = '', sourcePort = '', destinationPort = ''] = match;
  const isRight =
    isIP(source) === Number(family) &&
    isIP(destination) === Number(family) &&
    isPort(sourcePort) &&
    isPort(destinationPort);
  if (!isRight) return BROKEN;
  return {
    state: 'complete',
    length,
    addresses: {
      remoteAddress: plainAddress(source.toLowerCase()),
      remotePort: Number(sourcePort),
      localAddress: plainAddress(destination.toLowerCase()),
      localPort: Number(destinationPort),
    },
  };
}

/** §2.1: no leading zeros. */
function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d*)$/.test(text) && Number(text) <= 65_535;
}

const CR = 0x0d;
const LF = 0x0a;
