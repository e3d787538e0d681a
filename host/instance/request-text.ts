import type { RequestHead } from '../exchange/exchange.js';

/** How the application is mounted, as far as a request is concerned. */
export interface RequestMount {
  /** `''` for ROOT. */
  readonly contextPath: string;
  /** True: the path arrives without the context path, so the application is told with `X-Forwarded-Prefix`. */
  readonly isStripped: boolean;
}

/**
 * The head of a request as the HTTP/1.1 bytes (ISO-8859-1 text) that Node's parser is to read.
 *
 * Framing and connection fields are written from what the producer checked, never copied from the client: nothing a
 * client sends can end up as a second `Content-Length` or a `Transfer-Encoding`. What clients say in
 * `X-Forwarded-…` and `Forwarded` is dropped and written afresh from the connection.
 */
export function requestText(head: RequestHead, mount: RequestMount): string {
  const target = head.query === undefined ? head.path : `${head.path}?${head.query}`;
  let text = `${head.method} ${target} ${head.version === '1.0' ? 'HTTP/1.0' : 'HTTP/1.1'}\r\n`;
  let hasHost = false;
  let hasLength = false;

  const { bytes, offsets } = head.fields;
  const count = offsets.length;
  if (count > 0) {
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
      text += `${name}: ${all.slice((offsets[o + 2] as number) - first, (offsets[o + 3] as number) - first)}\r\n`;
    }
  }

  if (!hasHost && head.version !== '1.0') text += `Host: ${head.authority}\r\n`;
  if (head.upgrade !== undefined) text += `Connection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n`;
  else if (head.bodyLength < 0) text += 'Transfer-Encoding: chunked\r\n';
  else if (head.bodyLength > 0 || hasLength) text += `Content-Length: ${head.bodyLength}\r\n`;
  if (head.expectsContinue) text += 'Expect: 100-continue\r\n';

  const { connection } = head;
  text += `X-Forwarded-For: ${connection.remoteAddress}\r\nX-Forwarded-Proto: ${connection.isSecure ? 'https' : 'http'}\r\n`;
  if (head.authority !== '') text += `X-Forwarded-Host: ${head.authority}\r\n`;
  if (mount.isStripped && mount.contextPath !== '') text += `X-Forwarded-Prefix: ${mount.contextPath}\r\n`;
  return `${text}\r\n`;
}

/** Cheap test by length and first letter, true for every name that `isReplaced` or the caller looks for. */
function mayBeSpecial(name: string): boolean {
  switch (name.charCodeAt(0) | 0x20) {
    case 0x63: // connection, content-length
      return name.length === 10 || name.length === 14;
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
      return true;
    default:
      return lowerName.startsWith('x-forwarded-');
  }
}
