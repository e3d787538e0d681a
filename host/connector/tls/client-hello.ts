/** What a client says first. */
export interface ClientHello {
  /** Host it wants to speak to, in lower case. */
  readonly serverName: string | undefined;
  /** Protocols it can speak (ALPN), best first. */
  readonly protocols: readonly string[];
}

/**
 * Reads what is needed of a ClientHello (RFC 8446 §4.1.2) before the handshake, from the first bytes of a connection.
 * Undefined when it is none, or has not arrived as a whole. Only for what OpenSSL does not tell in time; nothing is
 * refused by it.
 */
export function readClientHello(bytes: Buffer): ClientHello | undefined {
  try {
    return readHello(bytes);
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
const SERVER_NAME = 0;
const ALPN = 16;
const HOST_NAME = 0;

function readHello(bytes: Buffer): ClientHello | undefined {
  if (bytes[0] !== HANDSHAKE || bytes[RECORD_HEADER_BYTES] !== CLIENT_HELLO) return undefined;
  const record = bytes.subarray(RECORD_HEADER_BYTES, RECORD_HEADER_BYTES + bytes.readUInt16BE(3));
  // Type, length, version, random.
  let at = 4 + 2 + 32;
  at += 1 + record.readUInt8(at);
  at += 2 + record.readUInt16BE(at);
  at += 1 + record.readUInt8(at);
  const end = at + 2 + record.readUInt16BE(at);
  if (end > record.length) return undefined;
  let serverName: string | undefined;
  let protocols: readonly string[] = [];
  for (at += 2; at < end; ) {
    const type = record.readUInt16BE(at);
    const start = at + 4;
    at = start + record.readUInt16BE(at + 2);
    const extension = record.subarray(start, at);
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
