import type { RequestHead } from '../exchange/exchange.js';
import type { FieldBlock } from '../http/field-block.js';

/** How the application is mounted, as far as a request is concerned. */
export interface RequestMount {
  /** `''` for ROOT. */
  readonly contextPath: string;
  /** True: the path arrives without the context path, so the application is told with `X-Forwarded-Prefix`. */
  readonly isStripped: boolean;
}

/**
 * The fields of a request as Node's parser would report them: `[name, value, name, value, …]`.
 *
 * Framing and connection fields are made from what the producer checked, never copied from the client: nothing a
 * client sends can end up as a second `Content-Length` or a `Transfer-Encoding`. What clients say in
 * `X-Forwarded-…`, `Forwarded` and `Client-Cert` is dropped and written afresh from the connection.
 */
export function requestFields(head: RequestHead, mount: RequestMount): string[] {
  const fields: string[] = [];
  let hasHost = false;
  let hasLength = false;

  const { bytes, offsets } = head.fields;
  const count = offsets.length;
  if (count > 0) {
    // One string for the section and slices of it are cheaper than a string for each name and value.
    const first = offsets[0] as number;
    const all = bytes.toString('latin1', first, offsets[count - 1] as number);
    for (let o = 0; o < count; o += 4) {
      const name = all.slice((offsets[o] as number) - first, (offsets[o + 1] as number) - first);
      if (mayBeSpecial(name)) {
        const lower = name.toLowerCase();
        if (lower === 'host') hasHost = true;
        else if (lower === 'content-length') {
          hasLength = true;
          continue;
        } else if (isReplaced(lower)) continue;
      }
      fields.push(name, all.slice((offsets[o + 2] as number) - first, (offsets[o + 3] as number) - first));
    }
  }

  if (!hasHost && head.version !== '1.0') fields.push('Host', head.authority);
  if (head.upgrade !== undefined) fields.push('Connection', 'Upgrade', 'Upgrade', head.upgrade);
  else if (head.bodyLength < 0) fields.push('Transfer-Encoding', 'chunked');
  else if (head.bodyLength > 0 || hasLength) fields.push('Content-Length', String(head.bodyLength));
  if (head.expectsContinue) fields.push('Expect', '100-continue');

  const { connection } = head;
  // A Unix socket has none.
  if (connection.remoteAddress !== '') fields.push('X-Forwarded-For', connection.remoteAddress);
  fields.push('X-Forwarded-Proto', connection.isSecure ? 'https' : 'http');
  if (head.authority !== '') fields.push('X-Forwarded-Host', head.authority);
  if (mount.isStripped && mount.contextPath !== '') fields.push('X-Forwarded-Prefix', mount.contextPath);
  if (connection.isSecure) {
    const client = connection.tls?.clientCertificate;
    // RFC 9440 §2.2; of certificates that nobody vouches for, it says nothing.
    if (client?.isAuthorized === true) fields.push('Client-Cert', `:${client.base64}:`);
  }
  return fields;
}

/** `req.url`: path and query, in origin-form. */
export function requestTarget(head: RequestHead): string {
  return head.query === undefined ? head.path : `${head.path}?${head.query}`;
}

/** The head of a request as the HTTP/1.1 bytes (ISO-8859-1 text) that Node's parser is to read. */
export function requestText(head: RequestHead, mount: RequestMount): string {
  const fields = requestFields(head, mount);
  let text = `${head.method} ${requestTarget(head)} ${head.version === '1.0' ? 'HTTP/1.0' : 'HTTP/1.1'}\r\n`;
  for (let i = 0; i < fields.length; i += 2) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return `${text}\r\n`;
}

/** The trailer section behind the last chunk, without the empty line that ends it; `''` when there is none. */
export function trailerText(trailers: FieldBlock | undefined): string {
  if (trailers === undefined) return '';
  let text = '';
  for (let i = 0; i < trailers.count; i++) text += `${trailers.nameAt(i)}: ${trailers.valueAt(i)}\r\n`;
  return text;
}

/** Cheap test by length and first letter, true for every name that `isReplaced` or the caller looks for. */
function mayBeSpecial(name: string): boolean {
  switch (name.charCodeAt(0) | 0x20) {
    case 0x63: // connection, content-length, client-cert, client-cert-chain
      return name.length === 10 || name.length === 14 || name.length === 11 || name.length === 17;
    case 0x65: // expect
      return name.length === 6;
    case 0x66: // forwarded
      return name.length === 9;
    case 0x68: // host
      return name.length === 4;
    case 0x6b: // keep-alive
      return name.length === 10;
    case 0x70: // proxy-connection
      return name.length === 16;
    case 0x74: // te, transfer-encoding
      return name.length === 2 || name.length === 17;
    case 0x75: // upgrade
      return name.length === 7;
    case 0x78: // x-forwarded-…
      return name.length > 11;
    default:
      return false;
  }
}

/** Fields of the connection (RFC 9110 §7.6.1), of the framing, and of proxies; written anew or not at all. */
function isReplaced(lowerName: string): boolean {
  switch (lowerName) {
    case 'connection':
    case 'keep-alive':
    case 'proxy-connection':
    case 'te':
    case 'transfer-encoding':
    case 'upgrade':
    case 'expect':
    case 'forwarded':
    case 'client-cert':
    case 'client-cert-chain':
      return true;
    default:
      return lowerName.startsWith('x-forwarded-');
  }
}
