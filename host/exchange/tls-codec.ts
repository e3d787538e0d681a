import { ProtocolViolation } from './frame.js';
import { ClientCertificate, TlsInfo } from './tls-info.js';

/**
 * What TLS tells, as the last part of a REQUEST. Made once for a connection and copied from then on; the instance keeps
 * what it has read last, since many requests come on one connection.
 */

const IS_AUTHORIZED = 1;
/** Three lengths and the bits. */
const FIXED_BYTES = 4;

/** The part of a REQUEST; the same buffer for each request of a connection. Must not be changed. */
export function tlsBytes(info: TlsInfo): Buffer {
  info.encoded ??= encode(info);
  return info.encoded;
}

/** Checks the part from `start` to `end`. Throws a ProtocolViolation. */
export function checkTls(bytes: Buffer, start: number, end: number): void {
  const textAt = start + FIXED_BYTES;
  if (textAt > end) throw new ProtocolViolation('REQUEST ends within its TLS part');
  const bits = bytes[start + 3] as number;
  const textEnd =
    textAt + (bytes[start] as number) + (bytes[start + 1] as number) + (bytes[start + 2] as number);
  if (textEnd > end) throw new ProtocolViolation('REQUEST ends within its TLS part');
  if ((bits & ~IS_AUTHORIZED) !== 0) throw new ProtocolViolation(`REQUEST has unknown TLS bits ${bits}`);
  if (bits !== 0 && textEnd === end)
    throw new ProtocolViolation('REQUEST trusts a client certificate that it does not have');
  for (let at = textAt; at < textEnd; at++) {
    const byte = bytes[at] as number;
    if (byte <= 0x20 || byte >= 0x7f) throw new ProtocolViolation('REQUEST has a bad byte in its TLS part');
  }
}

/** Reads what `checkTls` has found good. */
export function readTls(bytes: Buffer, start: number, end: number): TlsInfo {
  const key = bytes.toString('latin1', start, end);
  const known = recent.get(key);
  if (known !== undefined) return known;
  if (recent.size >= MAX_RECENT) recent.clear();
  const info = decode(bytes, start, end);
  recent.set(key, info);
  return info;
}

/** By the bytes they were read from. */
const recent = new Map<string, TlsInfo>();
const MAX_RECENT = 256;

function encode({ protocol, cipher, serverName = '', clientCertificate }: TlsInfo): Buffer {
  const parts = [protocol, cipher, serverName].map((text) => Buffer.from(text.slice(0, 255), 'latin1'));
  const head = Buffer.from([
    ...parts.map(({ length }) => length),
    clientCertificate?.isAuthorized ? IS_AUTHORIZED : 0,
  ]);
  return Buffer.concat([head, ...parts, clientCertificate?.der ?? Buffer.alloc(0)]);
}

function decode(bytes: Buffer, start: number, end: number): TlsInfo {
  let at = start + FIXED_BYTES;
  const text = (index: number): string => {
    const from = at;
    at += bytes[start + index] as number;
    return bytes.toString('latin1', from, at);
  };
  const protocol = text(0);
  const cipher = text(1);
  const serverName = text(2);
  const isAuthorized = ((bytes[start + 3] as number) & IS_AUTHORIZED) !== 0;
  return new TlsInfo({
    protocol,
    cipher,
    serverName: serverName === '' ? undefined : serverName,
    // A copy: the chunk it lies in must not be kept alive by it.
    clientCertificate:
      at === end ? undefined : new ClientCertificate(Buffer.from(bytes.subarray(at, end)), isAuthorized),
  });
}
