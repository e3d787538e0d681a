import { FieldBlock } from './field-block.js';

/**
 * The fields in which proxies say what they know of a client: `Forwarded` (RFC 7239), everything that begins with
 * `X-Forwarded-`, and `Client-Cert` and `Client-Cert-Chain` (RFC 9440). Whoever can send them can say what he likes. And
 * `Portico-Job`, by which an application knows that the host itself asks, for a scheduled job; `Portico-Caller` and
 * `Portico-Hops`, that another application does; and `Portico-Token`, by which that one proves who it is.
 *
 * A name with `_` in the place of `-` is the same: servers that make variables of the names (CGI, WSGI, Rack) cannot tell
 * them apart. For that reason `Content_Length` and `Transfer_Encoding` belong here as well, which frame nothing in HTTP.
 */
export function hasForwardedFields({ bytes, offsets }: FieldBlock): boolean {
  const end = offsets.length;
  for (let o = 0; o < end; o += 4) {
    const start = offsets[o] as number;
    const length = (offsets[o + 1] as number) - start;
    // Most names are shorter; asked of every request, this is to cost nothing.
    if (length < FORWARDED.length) continue;
    const first = (bytes[start] as number) | 0x20;
    const isOne = first === 0x78 || first === 0x66 || first === 0x63 || first === 0x70 || first === 0x74;
    if (isOne && isForwardedName(bytes, start, start + length)) return true;
  }
  return false;
}

/** The same fields without these. */
export function withoutForwardedFields({ bytes, offsets }: FieldBlock): FieldBlock {
  const kept: number[] = [];
  for (let o = 0; o < offsets.length; o += 4) {
    if (!isForwardedName(bytes, offsets[o] as number, offsets[o + 1] as number))
      kept.push(...offsets.slice(o, o + 4));
  }
  return new FieldBlock(bytes, kept);
}

function isForwardedName(bytes: Uint8Array, start: number, end: number): boolean {
  switch (end - start) {
    case FORWARDED.length:
      return beginsWith(bytes, start, FORWARDED);
    // And of JOB.
    case CERTIFICATE.length:
      return beginsWith(bytes, start, CERTIFICATE) || beginsWith(bytes, start, JOB);
    case HOPS.length:
      return beginsWith(bytes, start, HOPS);
    // Also longer names begin with PREFIX.
    case TOKEN.length:
      return beginsWith(bytes, start, TOKEN) || beginsWith(bytes, start, PREFIX);
    // And of LENGTH.
    case CALLER.length:
      return (
        beginsWith(bytes, start, CALLER) ||
        beginsWith(bytes, start, LENGTH) ||
        beginsWith(bytes, start, PREFIX)
      );
    // And of CODING.
    case CHAIN.length:
      return (
        beginsWith(bytes, start, CHAIN) ||
        beginsWith(bytes, start, CODING) ||
        beginsWith(bytes, start, PREFIX)
      );
    default:
      return end - start > PREFIX.length && beginsWith(bytes, start, PREFIX);
  }
}

/** `text` in lower case; its `-` may be `_`, its `_` is nothing else. */
function beginsWith(bytes: Uint8Array, start: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const byte = bytes[start + i] as number;
    const code = text.charCodeAt(i);
    const isEqual =
      byte === LOW_LINE ? code === LOW_LINE || code === HYPHEN : (byte | 0x20) === code && code !== LOW_LINE;
    if (!isEqual) return false;
  }
  return true;
}

const FORWARDED = 'forwarded';
const PREFIX = 'x-forwarded-';
const CERTIFICATE = 'client-cert';
const JOB = 'portico-job';
const HOPS = 'portico-hops';
const TOKEN = 'portico-token';
const CALLER = 'portico-caller';
const CHAIN = 'client-cert-chain';
const LENGTH = 'content_length';
const CODING = 'transfer_encoding';
const HYPHEN = 0x2d;
const LOW_LINE = 0x5f;
