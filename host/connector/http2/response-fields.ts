import type { OutgoingHttpHeaders } from 'node:http2';
import { isFieldValue, isToken } from '../../http/byte-classes.js';
import type { Fields } from '../../http/field-block.js';

/**
 * Turns response fields into what `node:http2` takes, and checks every one of them on the way, by the same rules as the
 * writer of HTTP/1.1: framing and connection fields of the application are taken out (RFC 9113 §8.2.2), an illegal one
 * spoils the response. What it learned is in the properties until the next call. One serves a whole process.
 */
export class ResponseFields {
  /** Value of Content-Length, -1 when there is none. */
  contentLength = -1;

  private readonly transportSecurity: string | undefined;

  /** `transportSecurity`: value of Strict-Transport-Security (RFC 6797 §6.1), for connectors with TLS. */
  constructor(transportSecurity?: string | undefined) {
    this.transportSecurity = transportSecurity;
  }

  /** What the connector has to say in every response. */
  complete(headers: OutgoingHttpHeaders): void {
    if (this.transportSecurity === undefined) return;
    headers['strict-transport-security'] ??= this.transportSecurity;
  }

  /** Adds the fields to `headers`. False when one is illegal. */
  addTo(headers: OutgoingHttpHeaders, fields: Fields): boolean {
    this.contentLength = -1;
    if ('offsets' in fields) {
      const { count } = fields;
      for (let i = 0; i < count; i++)
        if (!this.add(headers, fields.nameAt(i), fields.valueAt(i))) return false;
      return true;
    }
    if (fields.length % 2 === 1) return false;
    for (let i = 0; i < fields.length; i += 2) {
      if (!this.add(headers, fields[i] as string, fields[i + 1] as string)) return false;
    }
    return true;
  }

  private add(headers: OutgoingHttpHeaders, name: string, value: string): boolean {
    const lower = lowerName(name);
    if (lower === undefined || typeof value !== 'string' || !isFieldValue(value)) return false;
    if (CONNECTION_FIELDS.has(lower)) return true;
    if (lower === 'content-length') {
      // RFC 9110 §8.6: never two of them.
      if (this.contentLength !== -1 || !/^\d{1,15}$/.test(value)) return false;
      this.contentLength = Number(value);
      return true;
    }
    const known = headers[lower];
    if (known === undefined) headers[lower] = value;
    else if (lower === 'date') return true;
    else if (Array.isArray(known)) known.push(value);
    else if (SEPARATE_FIELDS.has(lower)) headers[lower] = [String(known), value];
    // RFC 9110 §5.3: several fields of one name are one list. The library refuses lists of names it believes single.
    else headers[lower] = `${String(known)}, ${value}`;
    return true;
  }
}

/** RFC 9113 §8.2.2, and TE and HTTP2-Settings, which say something about a connection only in requests. */
const CONNECTION_FIELDS = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]);

/** RFC 9110 §5.3: a list of these is read wrongly by many. */
const SEPARATE_FIELDS = new Set(['proxy-authenticate', 'set-cookie', 'www-authenticate']);

/** Names seen before in lower case; applications use few. */
const NAMES = new Map<string, string>();
const MAX_NAMES = 1000;

/** Undefined: not a name. */
function lowerName(name: string): string | undefined {
  const known = NAMES.get(name);
  if (known !== undefined) return known;
  if (typeof name !== 'string' || !isToken(name)) return undefined;
  const lower = name.toLowerCase();
  if (NAMES.size < MAX_NAMES) NAMES.set(name, lower);
  return lower;
}
