import type { ConnectionInfo } from '../exchange/exchange.js';
import { authorityText, isAuthority, isSameAuthority } from '../http/authority.js';
import { TARGET } from '../http/byte-classes.js';
import { canonicalPath } from '../http/canonical-path.js';
import type { RefusalReason } from './refusal.js';
import type { RequestHeadParser } from './request-head-parser.js';

/** Parts of a request target. Reused from request to request. */
export class RequestTarget {
  path = '/';
  query: string | undefined;
  /** After a refusal: the path with its malformed escapes as sent, if there was nothing else wrong with the target. */
  malformedPath: string | undefined;
  /** Authority of an absolute-form target, in lower case. */
  authority: string | undefined;

  private readonly isGateway: (connection: ConnectionInfo) => boolean;

  /** `isGateway`: this client ends TLS for others, and is trusted. By default nobody does. */
  constructor(isGateway: (connection: ConnectionInfo) => boolean = () => false) {
    this.isGateway = isGateway;
  }

  /** Reads the target the parser found (RFC 9112 §3.2). Gives the reason when it must be refused. */
  read(bytes: Buffer, head: RequestHeadParser, connection: ConnectionInfo): RefusalReason | undefined {
    const { targetStart, targetEnd, queryMark } = head;
    const pathEnd = queryMark < 0 ? targetEnd : queryMark;
    this.query = queryMark < 0 ? undefined : bytes.toString('latin1', queryMark + 1, targetEnd);
    this.authority = this.malformedPath = undefined;
    if (bytes[targetStart] === SLASH) return this.readPath(bytes, targetStart, pathEnd);
    if (targetEnd - targetStart === 1 && bytes[targetStart] === ASTERISK && head.method === 'OPTIONS') {
      this.path = '*';
      return undefined;
    }
    return this.readAbsolute(bytes, head, pathEnd, connection);
  }

  /**
   * Reads a target in origin or asterisk form from text: `:path` of HTTP/2 (RFC 9113 §8.3.1). The same rules as for the
   * request line of HTTP/1.1.
   */
  readText(text: string, method: string): RefusalReason | undefined {
    this.authority = this.query = this.malformedPath = undefined;
    let mark = -1;
    for (let i = 0; i < text.length; i++) {
      const kind = TARGET[text.charCodeAt(i)] ?? 0;
      if (kind === 0) return 'bad-target';
      if (kind === 2 && mark < 0) mark = i;
    }
    if (text === '*' && method === 'OPTIONS') {
      this.path = '*';
      return undefined;
    }
    if (mark >= 0) this.query = text.slice(mark + 1);
    return this.readPathText(mark < 0 ? text : text.slice(0, mark));
  }

  private readPath(bytes: Buffer, start: number, end: number): RefusalReason | undefined {
    if (end - start === 1) {
      this.path = '/';
      return undefined;
    }
    return this.readPathText(bytes.toString('latin1', start, end));
  }

  private readPathText(text: string): RefusalReason | undefined {
    const path = canonicalPath(text);
    if (path === undefined) {
      this.malformedPath = canonicalPath(text, 'keep');
      return 'bad-target';
    }
    this.path = path;
    return undefined;
  }

  private readAbsolute(
    bytes: Buffer,
    head: RequestHeadParser,
    pathEnd: number,
    connection: ConnectionInfo,
  ): RefusalReason | undefined {
    const text = bytes.toString('latin1', head.targetStart, pathEnd);
    const match = /^(https?):\/\/([^/]*)/i.exec(text);
    if (match === null) return 'bad-target';
    const authorityEnd = head.targetStart + match[0].length;
    const authorityStart = authorityEnd - (match[2] as string).length;
    if (!isAuthority(bytes, authorityStart, authorityEnd)) return 'bad-target';
    this.authority = authorityText(bytes, authorityStart, authorityEnd);
    const scheme = (match[1] as string).toLowerCase() === 'https' ? 'https' : 'http';
    // RFC 9112 §3.2.2 lets the target win over a Host that differs. Two hosts in one request are refused here.
    if (head.hostEnd > head.hostStart) {
      const host = authorityText(bytes, head.hostStart, head.hostEnd);
      if (!isSameAuthority(host, this.authority, scheme)) return 'bad-host';
    }
    // RFC 9110 §7.4: what is to be fetched over TLS is not given to somebody without, unless he is a trusted gateway.
    if (scheme === 'https' && !connection.isSecure && !this.isGateway(connection))
      return 'misdirected-request';
    if (authorityEnd < pathEnd) return this.readPath(bytes, authorityEnd, pathEnd);
    // RFC 9112 §3.2.4: OPTIONS without path and query means the server itself.
    this.path = head.method === 'OPTIONS' && this.query === undefined ? '*' : '/';
    return undefined;
  }
}

const SLASH = 0x2f;
const ASTERISK = 0x2a;
