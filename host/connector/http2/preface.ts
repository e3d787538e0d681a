import type { InputBuffer } from '../input-buffer.js';

/** RFC 9113 §3.4, up to the end of its first line. */
const PREFACE = 'PRI * HTTP/2.0\r\n';

/** Whether the next bytes are the client preface of HTTP/2, as far as its first line. */
export function beginsWithPreface({ bytes, start, end }: InputBuffer): boolean {
  return bytes.toString('latin1', start, Math.min(end, start + PREFACE.length)) === PREFACE;
}
