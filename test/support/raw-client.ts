import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { WAIT_MS } from '#test/support/polling.js';

/** One response as it came over the wire. */
export interface RawResponse {
  readonly status: number;
  readonly line: string;
  /** `name: value` in lower-case names, in order. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
  /** The framing of the body, as the client understood it. */
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
  /** False when the connection ended within it. */
  readonly isComplete: boolean;
  readonly trailers: readonly (readonly [string, string])[];
}

/** A client that sends bytes and reads responses strictly, one after the other. */
export class RawClient {
  readonly socket: Socket;
  /** The server closed its direction, or reset. */
  isClosed = false;
  error: Error | undefined;
  private received = Buffer.alloc(0);
  private wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.wake?.();
    });
    socket.on('end', () => this.closed());
    socket.on('close', () => this.closed());
    socket.on('error', (error) => {
      this.error = error;
      this.closed();
    });
  }

  static async open(port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  send(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** The next response; undefined when the connection closed before one began. Throws behind the deadline. */
  async response(method = 'GET', deadlineMs = WAIT_MS): Promise<RawResponse | undefined> {
    const deadline = Date.now() + deadlineMs;
    for (;;) {
      const parsed = parseResponse(this.received, method, this.isClosed);
      if (parsed !== undefined) {
        this.received = this.received.subarray(parsed.size);
        return parsed.response;
      }
      if (this.isClosed && this.received.length === 0) return undefined;
      if (this.isClosed) throw new Error(`closed within a head: ${this.received.toString('latin1')}`);
      await this.more(deadline);
    }
  }

  /** Raw bytes, at least so many, as after an upgrade. */
  async bytes(count: number, deadlineMs = WAIT_MS): Promise<Buffer> {
    const deadline = Date.now() + deadlineMs;
    while (this.received.length < count && !this.isClosed) await this.more(deadline);
    const bytes = this.received.subarray(0, count);
    this.received = this.received.subarray(count);
    return bytes;
  }

  /** Waits until the server has closed. */
  async closing(deadlineMs = WAIT_MS): Promise<void> {
    const deadline = Date.now() + deadlineMs;
    while (!this.isClosed) await this.more(deadline);
  }

  destroy(): void {
    this.socket.destroy();
  }

  private closed(): void {
    this.isClosed = true;
    this.wake?.();
  }

  private more(deadline: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const left = deadline - Date.now();
      const timer = setTimeout(
        () => {
          this.wake = undefined;
          reject(
            new Error(`nothing came in time; so far ${JSON.stringify(this.received.toString('latin1'))}`),
          );
        },
        Math.max(0, left),
      );
      this.wake = () => {
        clearTimeout(timer);
        this.wake = undefined;
        resolve();
      };
    });
  }
}

/** Value of a header of a response. */
export function headerOf(response: RawResponse | undefined, name: string): string | undefined {
  return response?.headers.find(([key]) => key === name)?.[1];
}

function parseResponse(
  bytes: Buffer,
  method: string,
  isClosed: boolean,
): { response: RawResponse; size: number } | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const lines = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const line = lines[0] as string;
  const match = /^HTTP\/1\.1 (\d{3}) [\x20-\x7e]*$/.exec(line);
  if (match === null) throw new Error(`not a status line: ${JSON.stringify(line)}`);
  const status = Number(match[1]);
  const headers = lines.slice(1).map(splitField);
  const value = (name: string): string | undefined => headers.find(([key]) => key === name)?.[1];
  const start = headEnd + 4;
  const make = (
    framing: RawResponse['framing'],
    body: Buffer,
    isComplete: boolean,
    size: number,
    trailers: RawResponse['trailers'] = [],
  ) => ({ response: { status, line, headers, body, framing, isComplete, trailers }, size });
  for (const name of ['content-length', 'transfer-encoding', 'date', 'connection']) {
    if (headers.filter(([key]) => key === name).length > 1) throw new Error(`two fields ${name}`);
  }
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) {
    return make('none', Buffer.alloc(0), true, start);
  }
  if (value('transfer-encoding') !== undefined) {
    if (value('content-length') !== undefined) throw new Error('two framings');
    const chunked = parseChunked(bytes, start);
    if (chunked !== undefined) return make('chunked', chunked.body, true, chunked.end, chunked.trailers);
    return isClosed ? make('chunked', bytes.subarray(start), false, bytes.length) : undefined;
  }
  if (value('content-length') !== undefined) {
    const end = start + Number(value('content-length'));
    if (bytes.length >= end) return make('length', bytes.subarray(start, end), true, end);
    return isClosed ? make('length', bytes.subarray(start), false, bytes.length) : undefined;
  }
  return isClosed ? make('close', bytes.subarray(start), true, bytes.length) : undefined;
}

function parseChunked(
  bytes: Buffer,
  start: number,
): { body: Buffer; end: number; trailers: [string, string][] } | undefined {
  const parts: Buffer[] = [];
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16);
    const data = lineEnd + 2;
    if (size === 0) {
      if (bytes.subarray(data, data + 2).toString() === '\r\n') {
        return { body: Buffer.concat(parts), end: data + 2, trailers: [] };
      }
      const end = bytes.indexOf('\r\n\r\n', data);
      if (end < 0) return undefined;
      const trailers = bytes.toString('latin1', data, end).split('\r\n').map(splitField);
      return { body: Buffer.concat(parts), end: end + 4, trailers };
    }
    if (bytes.length < data + size + 2) return undefined;
    if (bytes.toString('latin1', data + size, data + size + 2) !== '\r\n') throw new Error('a broken chunk');
    parts.push(bytes.subarray(data, data + size));
    at = data + size + 2;
  }
}

function splitField(line: string): [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}
