import { type MountPoint, withContextPath } from './context-path-fields.js';

/** What a `ResponseReader` finds. Called in the order of the bytes. */
export interface ResponseSink {
  interim(status: number, fields: string[]): void;
  /** Final head, or 101. `fields` has no framing and no connection fields; `length` is -1 without Content-Length. */
  head(status: number, fields: string[], framing: Framing, length: number): void;
  /** Part of the body, or of a tunnel. A string stands for its UTF-8 bytes. A buffer belongs to the writer. */
  body(chunk: string | Uint8Array): void;
  /** The response is complete by its own framing. Not called for `close` and `tunnel`. */
  complete(trailers: string[] | undefined): void;
  /** The bytes are no HTTP/1.1 response; nothing more is reported. */
  malformed(reason: string): void;
}

/** How the end of the body is found (RFC 9112 §6.3). */
export type Framing = 'none' | 'length' | 'chunked' | 'close' | 'tunnel';

/**
 * Reads what Node's `ServerResponse` (or an application on a raw upgrade socket) writes to a virtual connection.
 * The writer is trusted to speak HTTP/1.1, not to be right: body bytes beyond `Content-Length` are dropped.
 */
export class ResponseReader {
  readonly #sink: ResponseSink;
  #mount: MountPoint | undefined;
  #isHead = false;
  #mayUpgrade = false;
  #state: State = 'head';
  /** Bytes of the body or of the chunk still to come. */
  #remaining = 0;
  /** Incomplete head, chunk-size line or trailer line, ISO-8859-1. */
  #line = '';
  #trailers: string[] = [];

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** Makes ready for the response to the next request. `mount` is undefined when nothing is to be rewritten. */
  reset(method: string, mayUpgrade: boolean, mount: MountPoint | undefined): void {
    this.#isHead = method === 'HEAD';
    this.#mayUpgrade = mayUpgrade;
    this.#mount = mount;
    this.#state = 'head';
    this.#remaining = 0;
    this.#line = '';
  }

  /** Bytes that the response still owes: it was ended too early when this is true and nobody writes any more. */
  get isIncomplete(): boolean {
    return this.#state !== 'done' && this.#state !== 'close' && this.#state !== 'tunnel';
  }

  read(chunk: string | Uint8Array, encoding: BufferEncoding): void {
    switch (this.#state) {
      case 'head':
        this.#readHead(chunk, encoding);
        return;
      case 'length':
        this.#readLength(chunk, encoding);
        return;
      case 'size':
      case 'data':
      case 'data-end':
      case 'trailer':
        this.#readChunked(chunk, encoding);
        return;
      case 'close':
      case 'tunnel':
        if (chunk.length > 0) this.#sink.body(isUtf8(chunk, encoding) ? chunk : bytesOf(chunk, encoding));
        return;
      case 'done':
    }
  }

  #readHead(chunk: string | Uint8Array, encoding: BufferEncoding): void {
    if (typeof chunk === 'string' && this.#line === '') {
      const end = chunk.indexOf('\r\n\r\n');
      if (end >= 0) {
        const head = chunk.slice(0, end);
        // The bytes that Node would have put on the wire, which are UTF-8 when the body is a UTF-8 string.
        this.#parseHead(
          encoding === 'latin1' || !NOT_ASCII.test(head)
            ? head
            : Buffer.from(head, encoding).toString('latin1'),
        );
        if (end + 4 < chunk.length) this.read(chunk.slice(end + 4), encoding);
        return;
      }
    }
    this.#line += bytesOf(chunk, encoding).toString('latin1');
    const end = this.#line.indexOf('\r\n\r\n');
    if (end < 0) {
      if (this.#line.length > MAX_HEAD_BYTES) this.#fail('the response head is longer than 256 KiB');
      return;
    }
    const text = this.#line;
    this.#line = '';
    this.#parseHead(text.slice(0, end));
    if (end + 4 < text.length) this.read(Buffer.from(text.slice(end + 4), 'latin1'), 'latin1');
  }

  #parseHead(text: string): void {
    const status = Number(text.slice(9, 12));
    if (!text.startsWith('HTTP/1.') || !(status >= 100 && status <= 999) || isDigit(text.charCodeAt(12))) {
      this.#fail(`"${text.slice(0, 40)}" is no status line`);
      return;
    }
    const fields: string[] = [];
    let length = -1;
    let isChunked = false;
    // A search for one character is much cheaper than for CR LF; the CR is cut off with the blanks.
    let at = text.indexOf('\n');
    while (at >= 0) {
      const start = at + 1;
      at = text.indexOf('\n', start);
      const end = at < 0 ? text.length : at;
      const colon = text.indexOf(':', start);
      if (colon <= start || colon >= end) continue;
      const name = text.slice(start, colon);
      const value = trimmed(text, colon + 1, end);
      const special = SPECIAL_LENGTHS[name.length] === 1 ? name.toLowerCase() : '';
      switch (special) {
        case 'content-length':
          // Two that differ are none (RFC 9112 §6.3).
          length = length === -1 || length === Number(value) ? Number(value) : Number.NaN;
          break;
        case 'transfer-encoding':
          isChunked = /\bchunked\s*$/i.test(value);
          break;
        case 'connection':
        case 'keep-alive':
          break;
        case 'location':
        case 'content-location':
        case 'refresh':
        case 'set-cookie':
          fields.push(name, this.#mount === undefined ? value : withContextPath(special, value, this.#mount));
          break;
        default:
          fields.push(name, value);
      }
    }
    this.#begin(status, fields, isChunked, length);
  }

  #begin(status: number, fields: string[], isChunked: boolean, length: number): void {
    if (status < 200 && status !== 101) {
      this.#sink.interim(status, fields);
      return;
    }
    const framing = this.#framingOf(status, isChunked, length);
    if (framing === undefined) return;
    this.#state = STATE_AFTER_HEAD[framing];
    this.#remaining = length;
    if (framing === 'length' && length === 0) this.#state = 'done';
    this.#sink.head(status, fields, framing, framing === 'chunked' ? -1 : length);
    if (this.#state === 'done') this.#sink.complete(undefined);
  }

  /** RFC 9112 §6.3. Undefined after a failure. */
  #framingOf(status: number, isChunked: boolean, length: number): Framing | undefined {
    if (status === 101) {
      if (this.#mayUpgrade) return 'tunnel';
      this.#fail('status 101 in answer to a request without Upgrade');
      return undefined;
    }
    if (Number.isNaN(length) || length < -1) {
      this.#fail('the Content-Length is no number');
      return undefined;
    }
    if (this.#isHead || status === 204 || status === 304) return 'none';
    if (isChunked) return 'chunked';
    return length < 0 ? 'close' : 'length';
  }

  #readLength(chunk: string | Uint8Array, encoding: BufferEncoding): void {
    if (chunk.length === 0) return;
    if (isUtf8(chunk, encoding)) {
      const size = typeof chunk === 'string' ? Buffer.byteLength(chunk) : chunk.length;
      if (size <= this.#remaining) {
        this.#remaining -= size;
        this.#sink.body(chunk);
        this.#completeWhenEmpty();
        return;
      }
    }
    const part = bytesOf(chunk, encoding).subarray(0, this.#remaining);
    this.#remaining -= part.length;
    this.#sink.body(part);
    this.#completeWhenEmpty();
  }

  #completeWhenEmpty(): void {
    if (this.#remaining > 0) return;
    this.#state = 'done';
    this.#sink.complete(undefined);
  }

  #readChunked(chunk: string | Uint8Array, encoding: BufferEncoding): void {
    if (this.#state === 'data' && typeof chunk === 'string' && isUtf8(chunk, encoding)) {
      const size = Buffer.byteLength(chunk);
      if (size <= this.#remaining) {
        if (size > 0) this.#sink.body(chunk);
        this.#remaining -= size;
        if (this.#remaining === 0) this.#state = 'data-end';
        return;
      }
    }
    const bytes = bytesOf(chunk, encoding);
    let at = 0;
    while (at < bytes.length && this.#state !== 'done') {
      if (this.#state === 'data') {
        const part = bytes.subarray(at, at + this.#remaining);
        this.#sink.body(part);
        at += part.length;
        this.#remaining -= part.length;
        if (this.#remaining === 0) this.#state = 'data-end';
        continue;
      }
      const newline = bytes.indexOf(LINE_FEED, at);
      this.#line += bytes.toString('latin1', at, newline < 0 ? bytes.length : newline);
      if (newline < 0) return;
      at = newline + 1;
      const line = this.#line.trimEnd();
      this.#line = '';
      this.#chunkedLine(line);
    }
  }

  /** One line of chunked framing (RFC 9112 §7.1): chunk size, end of chunk data, or trailer field. */
  #chunkedLine(line: string): void {
    if (this.#state === 'data-end') {
      this.#state = 'size';
      return;
    }
    if (this.#state === 'size') {
      const size = Number.parseInt(line, 16);
      if (Number.isNaN(size)) {
        this.#fail(`"${line.slice(0, 20)}" is no chunk size`);
        return;
      }
      this.#remaining = size;
      this.#state = size === 0 ? 'trailer' : 'data';
      this.#trailers = [];
      return;
    }
    const colon = line.indexOf(':');
    if (colon > 0) {
      this.#trailers.push(line.slice(0, colon), line.slice(colon + 1).trim());
      return;
    }
    this.#state = 'done';
    this.#sink.complete(this.#trailers.length === 0 ? undefined : this.#trailers);
  }

  #fail(reason: string): void {
    this.#state = 'done';
    this.#sink.malformed(reason);
  }
}

type State = 'head' | 'length' | 'size' | 'data' | 'data-end' | 'trailer' | 'close' | 'tunnel' | 'done';

const STATE_AFTER_HEAD: Readonly<Record<Framing, State>> = {
  none: 'done',
  length: 'length',
  chunked: 'size',
  close: 'close',
  tunnel: 'tunnel',
};
const MAX_HEAD_BYTES = 256 * 1024;
const SPACE = 0x20;
const LINE_FEED = 0x0a;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is ASCII
const NOT_ASCII = /[^\x00-\x7f]/;

/** 1 at the length of each field name that `#parseHead` looks at, so that other names are never lower-cased. */
const SPECIAL_LENGTHS: readonly number[] = (() => {
  const lengths: number[] = new Array(32).fill(0);
  for (const name of [
    'content-length',
    'transfer-encoding',
    'connection',
    'keep-alive',
    'location',
    'content-location',
    'refresh',
    'set-cookie',
  ])
    lengths[name.length] = 1;
  return lengths;
})();

/** Part of `text` without blanks around it (RFC 9112 §5); Node writes exactly one before it. */
function trimmed(text: string, start: number, end: number): string {
  let from = start;
  let to = end;
  while (from < to && text.charCodeAt(from) <= SPACE) from++;
  while (to > from && text.charCodeAt(to - 1) <= SPACE) to--;
  return text.slice(from, to);
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isUtf8(chunk: string | Uint8Array, encoding: BufferEncoding): boolean {
  return typeof chunk !== 'string' || encoding === 'utf8' || encoding === 'utf-8' || !encoding;
}

function bytesOf(chunk: string | Uint8Array, encoding: BufferEncoding): Buffer {
  if (typeof chunk === 'string') return Buffer.from(chunk, encoding);
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
