import { TlsInfo } from '../../exchange/tls-info.js';
import { crc32c } from './crc32c.js';
import type { ProxiedFacts } from './proxy-header.js';

/**
 * What stands behind the addresses of a header of version 2: type, length, value, one after the other to the very end (§2.2.1
 * on). A checksum must be right (§2.2.3). What TLS is that the sender has ended is told (§2.2.5); all else is skipped.
 * Undefined: not sound.
 */
export function readExtensions(header: Buffer, start: number): ProxiedFacts | undefined {
  let checksums = 0;
  let tls: Buffer | undefined;
  let serverName: string | undefined;
  const isSound = eachExtension(header, start, header.length, (type, value, end) => {
    if (type === CRC32C) {
      if (end - value !== 4 || ++checksums > 1) return false;
      return header.readUInt32BE(value) === crc32c(header, value);
    }
    if (type === TLS) tls = header.subarray(value, end);
    if (type === AUTHORITY) serverName = textOf(header, value, end)?.toLowerCase();
    return true;
  });
  if (!isSound) return undefined;
  return tls === undefined ? {} : tlsFactsOf(tls, serverName);
}

const AUTHORITY = 0x02;
const CRC32C = 0x03;
const TLS = 0x20;

function tlsFactsOf(bytes: Buffer, serverName: string | undefined): ProxiedFacts | undefined {
  if (bytes.length < FIXED_BYTES) return undefined;
  let protocol: string | undefined;
  let cipher = '';
  const isSound = eachExtension(bytes, FIXED_BYTES, bytes.length, (type, value, end) => {
    if (type === TLS_VERSION) protocol = textOf(bytes, value, end);
    if (type === TLS_CIPHER) cipher = textOf(bytes, value, end) ?? '';
    return true;
  });
  if (!isSound) return undefined;
  if (((bytes[0] as number) & CLIENT_USED_TLS) === 0) return {};
  if (protocol === undefined) return { isSecure: true };
  // Of a certificate the header has the common name at most, which says nothing of who has signed it.
  const tls = new TlsInfo({ protocol, cipher, serverName, clientCertificate: undefined });
  return { isSecure: true, tls };
}

/** Bits of the client, and the result of the verification. */
const FIXED_BYTES = 5;
const CLIENT_USED_TLS = 0x01;
const TLS_VERSION = 0x21;
const TLS_CIPHER = 0x23;

/** False when the lengths do not come out even, or `look` says so. */
function eachExtension(
  bytes: Buffer,
  start: number,
  end: number,
  look: (type: number, value: number, end: number) => boolean,
): boolean {
  let at = start;
  while (at < end) {
    if (at + 3 > end) return false;
    const value = at + 3;
    const next = value + bytes.readUInt16BE(at + 1);
    if (next > end || !look(bytes[at] as number, value, next)) return false;
    at = next;
  }
  return true;
}

/** Printable and not empty, or undefined. */
function textOf(bytes: Buffer, start: number, end: number): string | undefined {
  const text = bytes.toString('latin1', start, end);
  return /^[\x21-\x7e]{1,255}$/.test(text) ? text : undefined;
}
