import { SIGNATURE } from '#host/connector/proxy-protocol/binary-header.js';

/** TCP over IPv4, and over IPv6. */
export const INET = 0x11;
export const INET6 = 0x21;

/** A header of version 2 of the PROXY protocol: addresses and extensions are given as bytes. */
export function binaryHeader(family: number, payload: Uint8Array, command = 0x21): Buffer {
  const fixed = Buffer.from([command, family, payload.length >> 8, payload.length & 0xff]);
  return Buffer.concat([SIGNATURE, fixed, payload]);
}

/** An extension: type, length, value. */
export function extension(type: number, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string, 'latin1');
  return Buffer.concat([Buffer.from([type, bytes.length >> 8, bytes.length & 0xff]), bytes]);
}

/** Puts the checksum into the first extension of four zeros, computed bit by bit. */
export function withChecksum(header: Buffer): Buffer {
  const at = header.indexOf(Buffer.from([0x03, 0, 4, 0, 0, 0, 0])) + 3;
  let crc = 0xffff_ffff;
  for (const byte of header) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  }
  header.writeUInt32BE(~crc >>> 0, at);
  return header;
}
