import type { ConnectorLimits } from '../config/connector-limits.js';
import { isAuthority } from '../http/authority.js';
import { equalsLower, TARGET, TOKEN } from '../http/byte-classes.js';
import { ConnectionTokens } from './connection-tokens.js';
import { contentLengthAt, FieldKind, fieldKindAt } from './field-kind.js';
import { FieldSectionParser, Parsed } from './field-section-parser.js';
import { MAX_METHOD_BYTES, methodAt } from './method.js';
import { isProtocolList } from './upgrade-protocols.js';

/**
 * Reads a request head strictly (RFC 9112 §2-§6): one request line, one field section, one way to frame the body.
 *
 * One parser serves all connections of a listener: `parse` starts anew each time, and what it found is read from the
 * properties before the next call. It keeps no bytes. A head that is not complete is parsed again from its start.
 * The first violation in byte order decides, so the result does not depend on how the bytes were split into packets.
 */
export class RequestHeadParser extends FieldSectionParser {
  method = '';
  /** 0 or 1: the digit behind `HTTP/1.`. */
  minorVersion = 1;
  targetStart = 0;
  targetEnd = 0;
  /** Place of the first `?` in the target, or -1. */
  queryMark = -1;
  /** Place of the value of Host; equal when there is none (HTTP/1.0). */
  hostStart = 0;
  hostEnd = 0;
  /** Bytes of the body, -1 for chunked. */
  bodyLength = 0;
  expectsContinue = false;
  /** The method is TRACE, which somebody may want to answer, see `takesTrace`. */
  isTrace = false;
  /** Place of the value of Upgrade if the request asks for one (RFC 9110 §7.8); equal otherwise. */
  upgradeStart = 0;
  upgradeEnd = 0;
  readonly connection = new ConnectionTokens();
  /** Places of the end-to-end fields, as `FieldBlock` has them. A new array for each request. */
  offsets: number[] = [];

  private readonly limits: ConnectorLimits;
  private readonly takesTrace: boolean;
  private hostCount = 0;
  private contentLengthCount = 0;
  private contentLength = 0;
  private codingCount = 0;
  private codingIsChunked = false;
  private codingIsRepeated = false;
  private expectsOther = false;
  private upgradeCount = 0;
  private upgradeName = 0;

  /** `takesTrace`: a TRACE is not refused here; the caller looks at `isTrace`. */
  constructor(limits: ConnectorLimits, takesTrace = false) {
    super(limits.maxHeaderCount, 'header-too-large');
    this.limits = limits;
    this.takesTrace = takesTrace;
  }

  /** Parses the head that begins at `start`; the received bytes end at `length`. */
  parse(bytes: Buffer, start: number, length: number): Parsed {
    this.reset();
    const limit = start + this.limits.maxHeaderBytes;
    const line = this.parseRequestLine(bytes, start, length, limit);
    if (line !== Parsed.COMPLETE) return line;
    const section = this.parseFields(bytes, this.end, length, limit);
    return section === Parsed.COMPLETE ? this.check(bytes) : section;
  }

  /** True when the client wants the connection to stay open (RFC 9112 §9.3). */
  get keepsAlive(): boolean {
    return !this.connection.close && (this.minorVersion === 1 || this.connection.keepAlive);
  }

  private reset(): void {
    this.connection.reset();
    this.offsets = [];
    this.queryMark = -1;
    this.hostStart = this.hostEnd = 0;
    this.bodyLength = 0;
    this.expectsContinue = this.expectsOther = this.isTrace = false;
    this.upgradeStart = this.upgradeEnd = this.upgradeCount = 0;
    this.hostCount = this.contentLengthCount = this.codingCount = 0;
    this.codingIsChunked = this.codingIsRepeated = false;
  }

  private parseRequestLine(bytes: Buffer, start: number, length: number, limit: number): Parsed {
    const end = Math.min(length, limit);
    let i = start;
    // RFC 9112 §2.2: one empty line before the request line is ignored; more are not.
    if (i < end && bytes[i] === CR) {
      if (i + 1 >= end) return this.cut(length, limit);
      if (bytes[i + 1] !== LF) return this.refuse('bad-request-line');
      i += 2;
    }
    const methodStart = i;
    while (i < end && TOKEN[bytes[i] as number] === 1) i++;
    if (i - methodStart > MAX_METHOD_BYTES) return this.refuse('method-not-implemented');
    if (i >= end) return this.cut(length, limit);
    if (bytes[i] !== SP || i === methodStart) return this.refuse('bad-request-line');
    this.method = methodAt(bytes, methodStart, i);

    const targetStart = ++i;
    for (; i < end; i++) {
      const kind = TARGET[bytes[i] as number];
      if (kind === 1) continue;
      if (kind === 0) break;
      if (this.queryMark < 0) this.queryMark = i;
    }
    if (i - targetStart > this.limits.maxTargetBytes) return this.refuse('target-too-long');
    if (i >= end) return length >= limit ? this.refuse('target-too-long') : Parsed.INCOMPLETE;
    if (i === targetStart) return this.refuse('bad-request-line');
    if (bytes[i] !== SP) return this.refuse(bytes[i] === CR ? 'bad-request-line' : 'bad-target');
    this.targetStart = targetStart;
    this.targetEnd = i;

    // `HTTP/` is case-sensitive (RFC 9112 §2.3). Without a version it would be HTTP/0.9, which is not spoken here.
    for (let k = 0; k < 5; k++) {
      if (++i >= end) return this.cut(length, limit);
      if (bytes[i] !== HTTP_SLASH.charCodeAt(k)) return this.refuse('bad-request-line');
    }
    for (let k = 0; k < 5; k++) {
      if (++i >= end) return this.cut(length, limit);
      const byte = bytes[i] as number;
      const isRight =
        k === 1
          ? byte === 0x2e
          : k === 3
            ? byte === CR
            : k === 4
              ? byte === LF
              : byte >= 0x30 && byte <= 0x39;
      if (!isRight) return this.refuse('bad-request-line');
    }
    const minor = (bytes[i - 2] as number) - 0x30;
    if (bytes[i - 4] !== 0x31 || minor > 1) return this.refuse('bad-version');
    this.minorVersion = minor;
    this.end = i + 1;
    return Parsed.COMPLETE;
  }

  protected override onField(
    bytes: Buffer,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
  ): boolean {
    switch (fieldKindAt(bytes, nameStart, nameEnd)) {
      case FieldKind.HOST:
        this.hostCount++;
        this.hostStart = valueStart;
        this.hostEnd = valueEnd;
        break;
      case FieldKind.CONTENT_LENGTH:
        this.contentLengthCount++;
        this.contentLength = contentLengthAt(bytes, valueStart, valueEnd);
        break;
      case FieldKind.TRANSFER_ENCODING:
        this.codingCount++;
        this.codingIsChunked = equalsLower(bytes, valueStart, valueEnd, 'chunked');
        this.codingIsRepeated ||= isChunkedRepeated(bytes.toString('latin1', valueStart, valueEnd));
        return true;
      case FieldKind.CONNECTION:
        if (this.connection.add(bytes, valueStart, valueEnd)) return true;
        this.refusal = 'bad-header';
        return false;
      case FieldKind.UPGRADE:
        this.upgradeCount++;
        this.upgradeName = nameStart;
        this.upgradeStart = valueStart;
        this.upgradeEnd = valueEnd;
        return true;
      case FieldKind.EXPECT:
        if (equalsLower(bytes, valueStart, valueEnd, '100-continue')) this.expectsContinue = true;
        else this.expectsOther = true;
        break;
      case FieldKind.TE:
        // RFC 9110 §10.1.4: what an application may learn is whether the client takes trailers, nothing else.
        if (!equalsLower(bytes, valueStart, valueEnd, 'trailers')) return true;
        break;
      case FieldKind.HOP_BY_HOP:
        return true;
      default:
        break;
    }
    this.offsets.push(nameStart, nameEnd, valueStart, valueEnd);
    return true;
  }

  /** What can only be judged when all fields are known. */
  private check(bytes: Buffer): Parsed {
    // RFC 9112 §3.2: exactly one Host in HTTP/1.1; and whatever there is must be a host.
    if (this.hostCount > 1 || (this.hostCount === 0 && this.minorVersion === 1))
      return this.refuse('bad-host');
    if (this.hostCount === 1 && !isAuthority(bytes, this.hostStart, this.hostEnd))
      return this.refuse('bad-host');
    if (this.codingCount > 0) {
      // RFC 9112 §6.1, §6.3: chunked and nothing else, once, in HTTP/1.1, never together with Content-Length.
      if (this.minorVersion === 0 || this.contentLengthCount > 0) return this.refuse('bad-framing');
      if (this.codingCount > 1 || this.codingIsRepeated) return this.refuse('bad-framing');
      if (!this.codingIsChunked) return this.refuse('unknown-transfer-coding');
      this.bodyLength = -1;
    } else if (this.contentLengthCount > 0) {
      // Two equal lengths are refused as well: somebody on the way may keep only one of two that differ.
      if (this.contentLengthCount > 1 || this.contentLength < 0) return this.refuse('bad-framing');
      this.bodyLength = this.contentLength;
    }
    if (this.method === 'CONNECT') return this.refuse('method-not-implemented');
    if (this.method === 'TRACE') {
      if (!this.takesTrace || (this.expectsOther && this.minorVersion === 1))
        return this.refuse('method-not-allowed');
      this.isTrace = true;
    }
    // RFC 9110 §10.1.1: HTTP/1.0 clients cannot expect; and without a body there is nothing to wait for.
    if (this.minorVersion === 0) this.expectsContinue = false;
    else if (this.expectsOther) return this.refuse('unknown-expectation');
    if (this.bodyLength === 0) this.expectsContinue = false;
    this.settleUpgrade(bytes);
    if (this.connection.listed !== undefined) this.removeListed(bytes, this.connection.listed);
    return Parsed.COMPLETE;
  }

  /** RFC 9110 §7.8: an upgrade needs HTTP/1.1, the connection option, one field of protocols, here also no body. */
  private settleUpgrade(bytes: Buffer): void {
    const asks =
      this.connection.upgrade && this.upgradeCount === 1 && this.minorVersion === 1 && this.bodyLength === 0;
    if (!asks || !isProtocolList(bytes.toString('latin1', this.upgradeStart, this.upgradeEnd))) {
      this.upgradeStart = this.upgradeEnd = 0;
      return;
    }
    const length = UPGRADE_NAME_BYTES;
    this.offsets.push(this.upgradeName, this.upgradeName + length, this.upgradeStart, this.upgradeEnd);
  }

  private removeListed(bytes: Buffer, listed: readonly string[]): void {
    const { offsets } = this;
    let kept = 0;
    for (let i = 0; i < offsets.length; i += 4) {
      const name = bytes.toString('latin1', offsets[i], offsets[i + 1]).toLowerCase();
      if (listed.includes(name)) continue;
      for (let k = 0; k < 4; k++) offsets[kept + k] = offsets[i + k] as number;
      kept += 4;
    }
    offsets.length = kept;
  }
}

const CR = 0x0d;
const LF = 0x0a;
const SP = 0x20;
const HTTP_SLASH = 'HTTP/';
const UPGRADE_NAME_BYTES = 7;

/** `chunked, chunked` and `chunked,`: not an unknown coding but a broken one. */
function isChunkedRepeated(value: string): boolean {
  return value === '' || (value.includes(',') && /^[\s,]*(?:chunked[\s,]*)+$/i.test(value));
}
