import type { FieldBlock } from '../http/field-block.js';
import type { ConnectionInfo, RequestHead } from './exchange.js';
import {
  checkFields,
  countOf,
  FIELD_ENTRY_BYTES,
  isTokenAt,
  isVisible,
  readFields,
  sizeOf,
  tooLarge,
  writeFields,
  writeToken,
  writeVisible,
} from './field-codec.js';
import {
  MAX_FIELDS,
  MAX_HEAD_BYTES,
  ProtocolViolation,
  readU16,
  readU32,
  writeU16,
  writeU32,
} from './frame.js';
import { checkTls, readTls, tlsBytes } from './tls-codec.js';
import type { TlsInfo } from './tls-info.js';

/** Bytes before the field table of a REQUEST. */
const FIXED_BYTES = 28;

const IS_SECURE = 1;
const EXPECTS_CONTINUE = 2;
const HAS_QUERY = 4;
const HAS_UPGRADE = 8;
const LENGTH_UNKNOWN = 16;
const HAS_TLS = 32;
const ALL_BITS = 63;

/** Upper bound of the payload that `writeRequest` makes. Throws PORTICO_EXCHANGE_HEAD_TOO_LARGE. */
export function sizeOfRequest(head: RequestHead, path: string, contextPath: string): number {
  const { connection } = head;
  const size =
    FIXED_BYTES +
    sizeOf(head.fields) +
    head.method.length +
    contextPath.length +
    path.length +
    (head.query?.length ?? 0) +
    head.authority.length +
    (head.upgrade?.length ?? 0) +
    connection.remoteAddress.length +
    connection.localAddress.length +
    (connection.tls === undefined ? 0 : tlsBytes(connection.tls).length);
  // Names of a length byte of their own; nobody sends such methods or addresses, so they count as too large.
  const isShort =
    head.method.length < 256 &&
    (head.upgrade?.length ?? 0) < 256 &&
    connection.remoteAddress.length < 256 &&
    connection.localAddress.length < 256;
  if (size > MAX_HEAD_BYTES || !isShort) throw tooLarge(size, countOf(head.fields));
  return size;
}

/** Writes the payload of a REQUEST at `at`; returns its end. Throws PORTICO_EXCHANGE_FIELD. */
export function writeRequest(
  head: RequestHead,
  path: string,
  contextPath: string,
  bytes: Buffer,
  at: number,
): number {
  const { connection, query, upgrade, bodyLength, fields } = head;
  bytes[at] =
    (connection.isSecure ? IS_SECURE : 0) |
    (head.expectsContinue ? EXPECTS_CONTINUE : 0) |
    (query === undefined ? 0 : HAS_QUERY) |
    (upgrade === undefined ? 0 : HAS_UPGRADE) |
    (bodyLength < 0 ? LENGTH_UNKNOWN : 0) |
    (connection.tls === undefined ? 0 : HAS_TLS);
  bytes[at + 1] = head.version === '1.1' ? 11 : head.version === '2.0' ? 20 : 10;
  bytes[at + 2] = head.method.length;
  bytes[at + 3] = upgrade === undefined ? 0 : upgrade.length;
  writeU16(bytes, at + 4, contextPath.length);
  writeU16(bytes, at + 6, path.length);
  writeU16(bytes, at + 8, query === undefined ? 0 : query.length);
  writeU16(bytes, at + 10, head.authority.length);
  bytes[at + 12] = connection.remoteAddress.length;
  bytes[at + 13] = connection.localAddress.length;
  writeU16(bytes, at + 14, connection.remotePort);
  writeU16(bytes, at + 16, connection.localPort);
  const count = countOf(fields);
  writeU16(bytes, at + 18, count);
  const length = Math.max(bodyLength, 0);
  writeU32(bytes, at + 20, Math.floor(length / 0x1_0000_0000));
  writeU32(bytes, at + 24, length % 0x1_0000_0000);
  const tableAt = at + FIXED_BYTES;
  let end = tableAt + count * FIELD_ENTRY_BYTES;
  end = writeToken(head.method, bytes, end);
  end = writeVisible(contextPath, bytes, end);
  end = writeVisible(path, bytes, end);
  if (query !== undefined) end = writeVisible(query, bytes, end);
  end = writeVisible(head.authority, bytes, end);
  if (upgrade !== undefined) end = writeVisible(upgrade, bytes, end);
  end = writeVisible(connection.remoteAddress, bytes, end);
  end = writeVisible(connection.localAddress, bytes, end);
  end = writeFields(fields, bytes, tableAt, end);
  return connection.tls === undefined ? end : end + tlsBytes(connection.tls).copy(bytes, end);
}

/**
 * The head of a request that came over the wire. Checked as a whole when made; strings are decoded when asked for.
 * Keeps the chunk it lies in alive.
 */
export class WireRequestHead implements RequestHead, ConnectionInfo {
  private readonly bytes: Buffer;
  private readonly start: number;
  private readonly fieldCount: number;
  /** Where the field text begins, right behind the local address. */
  private readonly fieldText: number;
  /** Where the TLS part begins, and where the payload ends. */
  private readonly fieldsEnd: number;
  private readonly end: number;
  private decodedPath: string | undefined = undefined;
  private decodedAuthority: string | undefined = undefined;
  private decodedFields: FieldBlock | undefined = undefined;

  /** Throws a ProtocolViolation when the payload from `start` to `end` is no valid request. */
  constructor(bytes: Buffer, start: number, end: number) {
    if (end - start < FIXED_BYTES) throw new ProtocolViolation(`REQUEST has only ${end - start} bytes`);
    if (end - start > MAX_HEAD_BYTES) throw new ProtocolViolation(`REQUEST has ${end - start} bytes`);
    this.bytes = bytes;
    this.start = start;
    this.fieldCount = readU16(bytes, start + 18);
    if (this.fieldCount > MAX_FIELDS) throw new ProtocolViolation(`REQUEST has ${this.fieldCount} fields`);
    this.fieldText = this.textOf(8);
    if (this.fieldText > end) throw new ProtocolViolation('REQUEST has text beyond the end of its frame');
    this.check();
    const textEnd = checkFields(bytes, start + FIXED_BYTES, this.fieldCount, this.fieldText, end);
    this.fieldsEnd = textEnd;
    this.end = end;
    if ((this.bits & HAS_TLS) !== 0) checkTls(bytes, textEnd, end);
    else if (textEnd !== end) throw new ProtocolViolation(`REQUEST has ${end - textEnd} bytes too many`);
  }

  get method(): string {
    const { bytes } = this;
    const at = this.textOf(0);
    const length = bytes[this.start + 2] as number;
    // The usual methods without a native call.
    if (length === 3 && bytes[at] === 0x47 && bytes[at + 1] === 0x45 && bytes[at + 2] === 0x54) return 'GET';
    if (length === 4 && bytes[at] === 0x50 && bytes[at + 1] === 0x4f && bytes[at + 3] === 0x54) {
      if (bytes[at + 2] === 0x53) return 'POST';
    }
    return bytes.toString('latin1', at, at + length);
  }

  /** `''` for the root context or when the prefix was kept in `path`, otherwise `/shop`. */
  get contextPath(): string {
    return this.part(1, readU16(this.bytes, this.start + 4));
  }

  get path(): string {
    this.decodedPath ??= this.part(2, readU16(this.bytes, this.start + 6));
    return this.decodedPath;
  }

  get query(): string | undefined {
    if ((this.bits & HAS_QUERY) === 0) return undefined;
    return this.part(3, readU16(this.bytes, this.start + 8));
  }

  get authority(): string {
    this.decodedAuthority ??= this.part(4, readU16(this.bytes, this.start + 10));
    return this.decodedAuthority;
  }

  get upgrade(): string | undefined {
    if ((this.bits & HAS_UPGRADE) === 0) return undefined;
    return this.part(5, this.bytes[this.start + 3] as number);
  }

  get version(): string {
    const version = this.bytes[this.start + 1];
    return version === 11 ? '1.1' : version === 20 ? '2.0' : '1.0';
  }

  get fields(): FieldBlock {
    this.decodedFields ??= readFields(this.bytes, this.start + FIXED_BYTES, this.fieldCount, this.fieldText);
    return this.decodedFields;
  }

  get bodyLength(): number {
    if ((this.bits & LENGTH_UNKNOWN) !== 0) return -1;
    return readU32(this.bytes, this.start + 20) * 0x1_0000_0000 + readU32(this.bytes, this.start + 24);
  }

  get expectsContinue(): boolean {
    return (this.bits & EXPECTS_CONTINUE) !== 0;
  }

  /** The head itself carries the facts of the connection. */
  get connection(): ConnectionInfo {
    return this;
  }

  get remoteAddress(): string {
    return this.part(6, this.bytes[this.start + 12] as number);
  }

  get localAddress(): string {
    return this.part(7, this.bytes[this.start + 13] as number);
  }

  get remotePort(): number {
    return readU16(this.bytes, this.start + 14);
  }

  get localPort(): number {
    return readU16(this.bytes, this.start + 16);
  }

  get isSecure(): boolean {
    return (this.bits & IS_SECURE) !== 0;
  }

  get tls(): TlsInfo | undefined {
    return (this.bits & HAS_TLS) === 0 ? undefined : readTls(this.bytes, this.fieldsEnd, this.end);
  }

  private get bits(): number {
    return this.bytes[this.start] as number;
  }

  /** Where text `index` begins: method, context path, path, query, authority, upgrade, remote, local address. */
  private textOf(index: number): number {
    const { bytes, start } = this;
    let at = start + FIXED_BYTES + this.fieldCount * FIELD_ENTRY_BYTES;
    if (index > 0) at += bytes[start + 2] as number;
    if (index > 1) at += readU16(bytes, start + 4);
    if (index > 2) at += readU16(bytes, start + 6);
    if (index > 3) at += readU16(bytes, start + 8);
    if (index > 4) at += readU16(bytes, start + 10);
    if (index > 5) at += bytes[start + 3] as number;
    if (index > 6) at += bytes[start + 12] as number;
    if (index > 7) at += bytes[start + 13] as number;
    return at;
  }

  private part(index: number, length: number): string {
    if (length === 0) return '';
    const at = this.textOf(index);
    return this.bytes.toString('latin1', at, at + length);
  }

  private check(): void {
    const { bytes, start, bits } = this;
    const version = bytes[start + 1];
    if ((bits & ~ALL_BITS) !== 0) throw new ProtocolViolation(`REQUEST has unknown bits ${bits}`);
    if (version !== 10 && version !== 11 && version !== 20)
      throw new ProtocolViolation(`REQUEST has the HTTP version ${version}; 10, 11 or 20 are known`);
    const textAt = this.textOf(0);
    const methodEnd = this.textOf(1);
    if (!isTokenAt(bytes, textAt, methodEnd))
      throw new ProtocolViolation('the method of REQUEST is no token');
    if (!isVisible(bytes, methodEnd, this.fieldText))
      throw new ProtocolViolation('REQUEST has a space or a control byte in its target or an address');
    const contextAt = methodEnd;
    const contextLength = readU16(bytes, start + 4);
    if (contextLength > 0 && bytes[contextAt] !== 0x2f)
      throw new ProtocolViolation('the context path of REQUEST does not begin with a slash');
    const pathLength = readU16(bytes, start + 6);
    const first = bytes[contextAt + contextLength];
    if (pathLength === 0 || (first !== 0x2f && !(pathLength === 1 && first === 0x2a)))
      throw new ProtocolViolation('the path of REQUEST does not begin with a slash');
    if ((bits & HAS_TLS) !== 0 && (bits & IS_SECURE) === 0)
      throw new ProtocolViolation('REQUEST has a TLS part and did not come by TLS');
    if ((bits & HAS_QUERY) === 0 && readU16(bytes, start + 8) !== 0)
      throw new ProtocolViolation('REQUEST has the text of a query but not its bit');
    if (((bits & HAS_UPGRADE) === 0) !== (bytes[start + 3] === 0))
      throw new ProtocolViolation('the upgrade of REQUEST and its bit do not fit');
    if (this.bodyLength > Number.MAX_SAFE_INTEGER)
      throw new ProtocolViolation('the body length of REQUEST is above 2^53');
    if ((bits & LENGTH_UNKNOWN) !== 0 && (readU32(bytes, start + 20) | readU32(bytes, start + 24)) !== 0)
      throw new ProtocolViolation('REQUEST has both a body length and the bit for none');
  }
}
