/** What a client says first. */
export interface ClientHello {
  /** Host it wants to speak to, in lower case. */
  readonly serverName: string | undefined;
  /** Protocols it can speak (ALPN), best first. */
  readonly protocols: readonly string[];
}

/**
 * Whether the first bytes of a connection hold all of what the client says first, so that nothing can be read wrongly
 * of the half of it: large ones come in several packets. True also for bytes that can never become one, and for more than
 * anybody has to say.
 */
export function isWhole(bytes: Buffer): boolean {
  return helloOf(bytes) !== MORE;
}

/**
 * Reads what is needed of a ClientHello (RFC 8446 §4.1.2) before the handshake, from the first bytes of a connection.
 * Undefined when it is none, or has not arrived as a whole. Only for what OpenSSL does not tell in time; nothing is
 * refused by it.
 */
export function readClientHello(bytes: Buffer): ClientHello | undefined {
  const hello = helloOf(bytes);
  if (hello === MORE || hello === undefined) return undefined;
  try {
    return readHello(hello);
  } catch (error) {
    // A length leads beyond the end.
    if (OUT_OF_BOUNDS.has(String((error as { readonly code?: unknown }).code))) return undefined;
    throw error;
  }
}

const OUT_OF_BOUNDS: ReadonlySet<string> = new Set(['ERR_OUT_OF_RANGE', 'ERR_BUFFER_OUT_OF_BOUNDS']);
const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const RECORD_HEADER_BYTES = 5;
const MESSAGE_HEADER_BYTES = 4;
/** Ten times what clients with large keys and tickets say. */
const MAX_HELLO_BYTES = 32 * 1024;
const MORE = 'more';
const SERVER_NAME = 0;
const ALPN = 16;
const HOST_NAME = 0;

/** The message, put together from as many records as it has (RFC 8446 §5.1). `more`: not all of it is there. */
function helloOf(bytes: Buffer): Buffer | typeof MORE | undefined {
  const parts: Buffer[] = [];
  let size = 0;
  let length = Number.POSITIVE_INFINITY;
  for (let at = 0; at + RECORD_HEADER_BYTES <= bytes.length; ) {
    const start = at + RECORD_HEADER_BYTES;
    const end = start + bytes.readUInt16BE(at + 3);
    // RFC 8446 §5.1: no empty records of the handshake.
    if (bytes[at] !== HANDSHAKE || end === start) return undefined;
    const part = bytes.subarray(start, end);
    parts.push(part);
    size += part.length;
    at = end;
    if (length === Number.POSITIVE_INFINITY && size >= MESSAGE_HEADER_BYTES) {
      const header = Buffer.concat(parts);
      length = MESSAGE_HEADER_BYTES + header.readUIntBE(1, 3);
      if (header[0] !== CLIENT_HELLO || length > MAX_HELLO_BYTES) return undefined;
    }
    if (size >= length) return Buffer.concat(parts, length);
  }
  return bytes.length > 2 * MAX_HELLO_BYTES ? undefined : MORE;
}

function readHello(hello: Buffer): ClientHello | undefined {
  // Type, length, version, random.
  let at = MESSAGE_HEADER_BYTES + 2 + 32;
  at += 1 + hello.readUInt8(at);
  at += 2 + hello.readUInt16BE(at);
  at += 1 + hello.readUInt8(at);
  const end = at + 2 + hello.readUInt16BE(at);
  if (end > hello.length) return undefined;
  let serverName: string | undefined;
  let protocols: readonly string[] = [];
  for (at += 2; at < end; ) {
    const type = hello.readUInt16BE(at);
    const start = at + 4;
    at = start + hello.readUInt16BE(at + 2);
    const extension = hello.subarray(start, at);
    if (type === SERVER_NAME) serverName = hostNameOf(extension);
    else if (type === ALPN) protocols = protocolsOf(extension);
  }
  return { serverName, protocols };
}

/** RFC 6066 §3. */
function hostNameOf(extension: Buffer): string | undefined {
  if (extension.readUInt8(2) !== HOST_NAME) return undefined;
  return extension.toString('latin1', 5, 5 + extension.readUInt16BE(3)).toLowerCase();
}

/** RFC 7301 §3.1. */
function protocolsOf(extension: Buffer): string[] {
  const protocols: string[] = [];
  for (let at = 2; at < extension.length; at += 1 + extension.readUInt8(at))
    protocols.push(extension.toString('latin1', at + 1, at + 1 + extension.readUInt8(at)));
  return protocols;
}
