import { randomBytes } from 'node:crypto';
import type { ConnectorLimits } from '../../config/connector-limits.js';
import type { ConnectionInfo, RequestHead } from '../../exchange/exchange.js';
import { authorityText, isAuthority, isSameAuthority } from '../../http/authority.js';
import { FIELD_VALUE, isToken, TOKEN } from '../../http/byte-classes.js';
import { FieldBlock } from '../../http/field-block.js';
import { contentLengthAt } from '../field-kind.js';
import { MAX_METHOD_BYTES } from '../method.js';
import type { RefusalReason } from '../refusal.js';
import type { RequestTarget } from '../request-target.js';

/** Head of an HTTP/2 request, told in the words of HTTP/1.1: nobody behind it sees a pseudo-header. */
export class Http2RequestHead implements RequestHead {
  readonly method: string;
  readonly path: string;
  readonly query: string | undefined;
  readonly version = '2.0';
  readonly fields: FieldBlock;
  readonly authority: string;
  readonly bodyLength: number;
  readonly upgrade: string | undefined;
  readonly expectsContinue: boolean;
  readonly connection: ConnectionInfo;

  constructor(parsed: RequestHeadReader, connection: ConnectionInfo) {
    this.method = parsed.method;
    this.path = parsed.target.path;
    this.query = parsed.target.query;
    this.fields = parsed.fields;
    this.authority = parsed.authority;
    this.bodyLength = parsed.bodyLength;
    this.upgrade = parsed.upgrade;
    this.expectsContinue = parsed.expectsContinue;
    this.connection = connection;
  }
}

/**
 * Checks the decoded header section of a request (RFC 9113 §8.2, §8.3). The protocol library refuses most of what is
 * malformed before it comes here; nothing is left to it alone. One reader serves all connections of a listener: `read`
 * starts anew each time, what it found is read from the properties before the next call.
 */
export class RequestHeadReader {
  method = '';
  authority = '';
  fields: FieldBlock = FieldBlock.EMPTY;
  /** As `RequestHead.bodyLength`. */
  bodyLength = 0;
  expectsContinue = false;
  upgrade: string | undefined;
  /** Nothing else is wrong with the request than what a `Waiver` may let pass. */
  isContested = false;
  readonly target: RequestTarget;

  private readonly limits: ConnectorLimits;
  private bytes: Buffer = NOTHING;
  private position = 0;
  private offsets: number[] = [];

  private path: string | undefined;
  private scheme: string | undefined;
  private pseudoAuthority: string | undefined;
  private protocol: string | undefined;
  private host: string | undefined;
  private contentLength = -1;
  private contentLengthCount = 0;
  private expectsOther = false;
  private cookies: string | undefined;
  private cookiePlace = -1;
  private lastNamed: string | undefined;

  constructor(limits: ConnectorLimits, target: RequestTarget) {
    this.limits = limits;
    this.target = target;
  }

  /**
   * Reads `[name, value, …]` as decoded. `hasBody`: the stream goes on behind the header section. Gives the reason when
   * the request must be refused.
   */
  read(raw: readonly string[], hasBody: boolean): RefusalReason | undefined {
    this.reset(raw);
    let isPseudo = true;
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const name = raw[i] as string;
      const value = raw[i + 1] as string;
      if (name.charCodeAt(0) !== COLON) {
        if (isPseudo) {
          isPseudo = false;
          this.reserveHost();
        }
        if (!this.onField(name, value)) return 'bad-header';
      } else if (!isPseudo || !this.onPseudo(name, value)) {
        // RFC 9113 §8.3: known ones, each once, before all others.
        return 'bad-header';
      }
    }
    if (isPseudo) this.reserveHost();
    return this.check(hasBody);
  }

  private reset(raw: readonly string[]): void {
    let size = 0;
    // Two bytes more for each field: crumbs of cookies are joined by `; `.
    for (let i = 0; i < raw.length; i++) size += (raw[i] as string).length + 1;
    // Room for the Host that is made of :authority, and for what an upgrade adds.
    this.bytes = Buffer.allocUnsafe(size + EXTRA_BYTES);
    this.position = 0;
    this.offsets = [];
    this.method = '';
    this.path = this.scheme = this.pseudoAuthority = this.protocol = this.host = undefined;
    this.upgrade = this.cookies = undefined;
    this.contentLength = -1;
    this.contentLengthCount = 0;
    this.expectsContinue = this.expectsOther = this.isContested = false;
  }

  private onPseudo(name: string, value: string): boolean {
    switch (name) {
      case ':method':
        if (this.method !== '') return false;
        this.method = value;
        return value !== '';
      case ':path':
        if (this.path !== undefined) return false;
        this.path = value;
        return true;
      case ':scheme':
        if (this.scheme !== undefined) return false;
        this.scheme = value;
        return true;
      case ':authority':
        if (this.pseudoAuthority !== undefined) return false;
        this.pseudoAuthority = value;
        return true;
      case ':protocol':
        if (this.protocol !== undefined) return false;
        this.protocol = value;
        return true;
      default:
        return false;
    }
  }

  /** Applications look for Host (RFC 9113 §8.3.1): it stands first, as it does in HTTP/1.1. */
  private reserveHost(): void {
    if (this.pseudoAuthority !== undefined) this.put('host', this.pseudoAuthority, false);
  }

  private onField(name: string, value: string): boolean {
    switch (name) {
      case 'host':
        // RFC 9110 §7.2: one. RFC 9113 §8.3.1: :authority takes its place; `check` compares them.
        if (this.host !== undefined) return false;
        this.host = value;
        return this.pseudoAuthority !== undefined || this.put(name, value, false);
      case 'content-length':
        this.contentLengthCount++;
        if (!this.put(name, value, true)) return false;
        this.contentLength = contentLengthAt(this.bytes, this.position - value.length, this.position);
        return true;
      case 'expect':
        if (value.toLowerCase() === '100-continue') this.expectsContinue = true;
        else this.expectsOther = true;
        break;
      case 'cookie':
        return this.onCookie(value);
      case 'te':
        // RFC 9113 §8.2.2: trailers or nothing.
        if (value.toLowerCase() !== 'trailers') return false;
        break;
      case 'connection':
      case 'keep-alive':
      case 'proxy-connection':
      case 'transfer-encoding':
      case 'upgrade':
        // RFC 9113 §8.2.2: a message with one of these is malformed.
        return false;
      case 'http2-settings':
        return true;
      default:
        break;
    }
    return this.put(name, value, true);
  }

  /** RFC 9113 §8.2.3: crumbs become one field again, in the place of the first. */
  private onCookie(value: string): boolean {
    if (this.cookies !== undefined) {
      this.cookies = `${this.cookies}; ${value}`;
      return true;
    }
    this.cookies = value;
    this.cookiePlace = this.offsets.length;
    return this.put('cookie', '', false);
  }

  private check(hasBody: boolean): RefusalReason | undefined {
    const { method, path } = this;
    if (this.cookies !== undefined && !this.putCookies(this.cookies)) return 'bad-header';
    if (!isToken(method)) return 'bad-request-line';
    if (method.length > MAX_METHOD_BYTES) return 'method-not-implemented';
    const isConnect = method === 'CONNECT';
    if (isConnect && this.protocol === undefined) return 'method-not-implemented';
    // RFC 8441 §4: :protocol belongs to CONNECT, and then :scheme and :path are there as well.
    if (this.protocol !== undefined && !isConnect) return 'bad-header';
    if (path === undefined || path === '') return 'bad-target';
    if (this.scheme !== 'http' && this.scheme !== 'https') return 'bad-target';
    if (path.length > this.limits.maxTargetBytes) return 'target-too-long';
    if (this.offsets.length >> 2 > this.limits.maxHeaderCount) return 'too-many-headers';
    // As many bytes as the same head has in HTTP/1.1: `: ` and a line end for each field, and the request line.
    const headBytes = this.position + this.offsets.length + method.length + path.length + 12;
    if (headBytes > this.limits.maxHeaderBytes) return 'header-too-large';
    const refusal = this.checkHost(this.scheme);
    if (refusal !== undefined) return refusal;
    if (this.contentLengthCount > 1 || (this.contentLengthCount === 1 && this.contentLength < 0)) {
      return 'bad-framing';
    }
    if (!hasBody && this.contentLength > 0) return 'bad-framing';
    if (this.expectsOther) return 'unknown-expectation';
    this.bodyLength = hasBody ? this.contentLength : 0;
    if (this.bodyLength === 0) this.expectsContinue = false;
    if (this.protocol !== undefined) {
      const unfit = this.becomeUpgrade(this.protocol, hasBody);
      if (unfit !== undefined) return unfit;
    } else {
      this.fields = new FieldBlock(this.bytes, this.offsets);
    }
    const badTarget = this.target.readText(path, method);
    this.isContested = method === 'TRACE' || badTarget !== undefined;
    return badTarget;
  }

  private checkHost(scheme: 'http' | 'https'): RefusalReason | undefined {
    const named = this.pseudoAuthority ?? this.host;
    if (named === undefined) return 'bad-host';
    // Most requests name the host that the one before them named.
    if (named !== this.lastNamed) {
      const text = Buffer.from(named, 'latin1');
      if (!isAuthority(text, 0, text.length)) return 'bad-host';
      this.lastNamed = named;
      this.authority = authorityText(text, 0, text.length);
    }
    if (this.pseudoAuthority === undefined || this.host === undefined) return undefined;
    // RFC 9113 §8.3.1: a Host that differs from :authority is malformed.
    return isSameAuthority(this.host.toLowerCase(), this.authority, scheme) ? undefined : 'bad-host';
  }

  /**
   * RFC 8441: extended CONNECT is what GET with Upgrade is in HTTP/1.1, and is told so. The key of the WebSocket
   * handshake has no use there; applications want to see one (RFC 6455 §4.2.1).
   */
  private becomeUpgrade(protocol: string, hasBody: boolean): RefusalReason | undefined {
    if (!hasBody || this.contentLengthCount > 0 || !isToken(protocol)) return 'bad-header';
    this.method = 'GET';
    this.upgrade = protocol;
    this.bodyLength = -1;
    this.expectsContinue = false;
    this.put('upgrade', protocol, false);
    this.fields = new FieldBlock(this.bytes, this.offsets);
    if (protocol.toLowerCase() === 'websocket' && !this.fields.has('sec-websocket-key')) {
      this.put('sec-websocket-key', randomBytes(16).toString('base64'), false);
      this.fields = new FieldBlock(this.bytes, this.offsets);
    }
    return undefined;
  }

  private putCookies(cookies: string): boolean {
    const start = this.position;
    if (!this.putValue(cookies)) return false;
    this.offsets[this.cookiePlace + 2] = start;
    this.offsets[this.cookiePlace + 3] = this.position;
    return true;
  }

  /** Appends one field. False when name or value hold a byte that must not be there. */
  private put(name: string, value: string, checksName: boolean): boolean {
    const { bytes } = this;
    const start = this.position;
    let at = start;
    for (let i = 0; i < name.length; i++) {
      const code = name.charCodeAt(i);
      // RFC 9113 §8.2.1: lower case.
      if (checksName && (TOKEN[code] !== 1 || (code >= 0x41 && code <= 0x5a))) return false;
      bytes[at++] = code;
    }
    if (at === start) return false;
    this.position = at;
    if (!this.putValue(value)) return false;
    this.offsets.push(start, at, at, this.position);
    return true;
  }

  private putValue(value: string): boolean {
    const { bytes } = this;
    let at = this.position;
    const { length } = value;
    // RFC 9113 §8.2.1: no blank at either end.
    if (length > 0 && (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(length - 1)))) return false;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (FIELD_VALUE[code] !== 1) return false;
      bytes[at++] = code;
    }
    this.position = at;
    return true;
  }
}

const NOTHING = Buffer.alloc(0);
const EXTRA_BYTES = 128;
const COLON = 0x3a;

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
