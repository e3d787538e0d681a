import { plainAddress } from '../../http/address-ranges.js';
import { readExtensions } from './binary-extensions.js';
import { BROKEN, INCOMPLETE, type ProxiedAddresses, type ProxyHeader } from './proxy-header.js';

/** Begins every header of version 2 (§2.2), and nothing else that makes sense. */
export const SIGNATURE = Buffer.from([
  0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a,
]);

/**
 * Longest header of version 2 that is taken. Addresses are 216 bytes at most; the rest is what load balancers add. The
 * format would allow 64 KiB.
 */
export const MAX_BINARY_BYTES = 4096;

const FIXED_BYTES = 16;

/** Bytes of both addresses and ports by the byte that names family and protocol: streams only. */
const ADDRESS_BYTES = new Map([
  [0x11, 12],
  [0x21, 36],
  [0x31, 216],
]);
const UNSPECIFIED = 0x00;

/** Version 2: binary (§2.2). The bytes begin with the signature. */
export function readBinaryHeader(bytes: Buffer): ProxyHeader {
  if (bytes.length < FIXED_BYTES) return INCOMPLETE;
  const command = bytes[12] as number;
  const family = bytes[13] as number;
  const length = FIXED_BYTES + bytes.readUInt16BE(14);
  if ((command !== LOCAL && command !== PROXY) || length > MAX_BINARY_BYTES) return BROKEN;
  // §2.2: LOCAL and UNSPEC mean the connection itself; what follows is to be skipped.
  const isSkipped = command === LOCAL || family === UNSPECIFIED;
  const addressBytes = ADDRESS_BYTES.get(family) ?? -1;
  if (!isSkipped && (addressBytes < 0 || length < FIXED_BYTES + addressBytes)) return BROKEN;
  if (bytes.length < length) return INCOMPLETE;
  if (isSkipped) return { state: 'complete', length, addresses: undefined };
  const header = bytes.subarray(0, length);
  const facts = readExtensions(header, FIXED_BYTES + addressBytes);
  if (facts === undefined) return BROKEN;
  return { state: 'complete', length, addresses: { ...addressesOf(header, family), ...facts } };
}

const LOCAL = 0x20;
const PROXY = 0x21;

function addressesOf(header: Buffer, family: number): ProxiedAddresses {
  const at = FIXED_BYTES;
  switch (family) {
    case 0x11:
      return {
        remoteAddress: [...header.subarray(at, at + 4)].join('.'),
        localAddress: [...header.subarray(at + 4, at + 8)].join('.'),
        remotePort: header.readUInt16BE(at + 8),
        localPort: header.readUInt16BE(at + 10),
      };
    case 0x21:
      return {
        remoteAddress: ipv6Text(header.subarray(at, at + 16)),
        localAddress: ipv6Text(header.subarray(at + 16, at + 32)),
        remotePort: header.readUInt16BE(at + 32),
        localPort: header.readUInt16BE(at + 34),
      };
    default:
      return { remoteAddress: '', localAddress: '', remotePort: 0, localPort: 0 };
  }
}

/** As the system writes it (RFC 5952). */
function ipv6Text(bytes: Buffer): string {
  const isMapped = bytes.readUInt32BE(8) === 0xffff && bytes.subarray(0, 8).every((byte) => byte === 0);
  if (isMapped) return plainAddress(`::ffff:${[...bytes.subarray(12)].join('.')}`);
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16));
  // The URL parser has the rule for the longest run of zeros.
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}
