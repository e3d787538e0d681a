import type { Socket } from 'node:net';
import type { InputBuffer } from '../input-buffer.js';

/** RFC 9113 §3.4, up to the end of its first line. */
const PREFACE = 'PRI * HTTP/2.0\r\n';

/** Whether the next bytes are the client preface of HTTP/2, as far as its first line. */
function beginsWithPreface({ bytes, start, end }: InputBuffer): boolean {
  return bytes.toString('latin1', start, Math.min(end, start + PREFACE.length)) === PREFACE;
}

/** RFC 9113 §3.4: the client preface begins like a request that no client of HTTP/1.1 sends. */
export function asksForHttp2(socket: Socket, input: InputBuffer): boolean {
  // RFC 9113 §3.2: with TLS it is agreed on by ALPN, or not spoken. TLS that a load balancer has ended is none of ours.
  return beginsWithPreface(input) && Reflect.get(socket, 'encrypted') !== true;
}
