import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { headerBlock, statusOf, type TestField } from '#test/support/http2/hpack.js';
import { WAIT_MS } from '#test/support/polling.js';

/** RFC 9113 §6. */
export const Frame = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

export const Flag = { END_STREAM: 1, ACK: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 0x20 } as const;

/** RFC 9113 §7, by number. */
export const CODES = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
] as const;

/** RFC 9113 §3.4. */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

export interface ReceivedFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** Any frame, right or wrong. `length` instead of that of the payload, where a case wants to lie. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer | readonly number[] = [],
  length?: number,
): Buffer {
  const bytes = Buffer.from(payload);
  const head = Buffer.alloc(9);
  head.writeUIntBE(length ?? bytes.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, bytes]);
}

/** A four-byte number. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** One setting (RFC 9113 §6.5.1). */
export function setting(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(id);
  bytes.writeUInt32BE(value, 2);
  return bytes;
}

/** The pseudo-headers of a request, and what follows them. */
export function request(path = '/', ...more: readonly TestField[]): TestField[] {
  return [[':method', 'GET'], [':scheme', 'http'], [':path', path], [':authority', 'a.example'], ...more];
}

/** As `request`, with another method. */
export function post(path = '/', ...more: readonly TestField[]): TestField[] {
  return [[':method', 'POST'], ...request(path, ...more).slice(1)];
}

/**
 * A client that sends frames, right or wrong, and keeps those it gets. Confirms SETTINGS; nothing else happens by itself.
 */
export class FrameClient {
  readonly socket: Socket;
  readonly frames: ReceivedFrame[] = [];
  isClosed = false;
  private received = Buffer.alloc(0);
  private wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.onData(chunk));
    socket.on('error', () => this.closed());
    socket.on('end', () => this.closed());
    socket.on('close', () => this.closed());
  }

  /** Connects and sends nothing. */
  static async connect(port: number, isSecure = false): Promise<FrameClient> {
    if (!isSecure) {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      await once(socket, 'connect');
      return new FrameClient(socket);
    }
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2'] });
    await once(socket, 'secureConnect');
    return new FrameClient(socket);
  }

  /** Connects, sends the preface and SETTINGS without a dynamic table, and waits for the server's SETTINGS. */
  static async open(
    port: number,
    isSecure = false,
    settings: Buffer = Buffer.alloc(0),
  ): Promise<FrameClient> {
    const client = await FrameClient.connect(port, isSecure);
    client.send(PREFACE, frame(Frame.SETTINGS, 0, 0, Buffer.concat([setting(1, 0), settings])));
    await client.find((one) => one.type === Frame.SETTINGS && one.flags === 0);
    return client;
  }

  send(...parts: readonly Buffer[]): void {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(parts));
  }

  headers(
    stream: number,
    fields: readonly TestField[],
    flags: number = Flag.END_STREAM | Flag.END_HEADERS,
  ): void {
    this.send(frame(Frame.HEADERS, flags, stream, headerBlock(fields)));
  }

  data(stream: number, bytes: string | Buffer, flags: number = Flag.END_STREAM): void {
    this.send(frame(Frame.DATA, flags, stream, Buffer.from(bytes as string)));
  }

  /** The first frame, received already or still to come, that fits; undefined when the connection closed without one. */
  async find(fits: (frame: ReceivedFrame) => boolean): Promise<ReceivedFrame | undefined> {
    const deadline = Date.now() + WAIT_MS;
    for (;;) {
      const found = this.frames.find(fits);
      if (found !== undefined || this.isClosed) return found;
      await this.more(deadline);
    }
  }

  /**
   * What became of a stream: its status (`200`), `RST` or `GOAWAY` with the code, or `closed`. An orderly GOAWAY
   * (NO_ERROR) says nothing about a stream and is not counted.
   */
  async outcome(stream: number): Promise<string> {
    const found = await this.find(
      (one) =>
        (one.stream === stream && (one.type === Frame.RST_STREAM || isFinalHeaders(one))) ||
        (one.type === Frame.GOAWAY && one.payload.readUInt32BE(4) !== 0),
    );
    if (found === undefined) return 'closed';
    if (found.type === Frame.HEADERS) return String(statusOf(found.payload));
    if (found.type === Frame.RST_STREAM) return `RST ${CODES[found.payload.readUInt32BE(0)]}`;
    return `GOAWAY ${CODES[found.payload.readUInt32BE(4)]}`;
  }

  /** Whether the connection still works: a PING is answered. */
  async isAlive(): Promise<boolean> {
    const payload = Buffer.from(`alive${String(this.frames.length).padStart(3, '0')}`.slice(0, 8), 'latin1');
    this.send(frame(Frame.PING, 0, 0, payload));
    const answer = await this.find((one) => one.type === Frame.PING && one.payload.equals(payload));
    return answer !== undefined && (answer.flags & Flag.ACK) !== 0;
  }

  /** Bytes of DATA that have come for a stream. */
  dataOf(stream: number): Buffer {
    const parts = this.frames.filter((one) => one.type === Frame.DATA && one.stream === stream);
    return Buffer.concat(parts.map(({ payload }) => payload));
  }

  /** Resolves when the server has ended the stream. */
  async ended(stream: number): Promise<boolean> {
    const last = await this.find((one) => one.stream === stream && isLast(one));
    return last !== undefined && last.type !== Frame.RST_STREAM;
  }

  /** Resolves when the server has closed the connection. */
  async whenClosed(): Promise<void> {
    const deadline = Date.now() + WAIT_MS;
    while (!this.isClosed) await this.more(deadline);
  }

  close(): void {
    this.socket.destroy();
  }

  private async more(deadline: number): Promise<void> {
    const left = deadline - Date.now();
    if (left <= 0)
      throw new Error(`nothing more came; frames so far: ${this.frames.map(describe).join(', ')}`);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, left);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private onData(chunk: Buffer): void {
    this.received = Buffer.concat([this.received, chunk]);
    while (this.received.length >= 9) {
      const length = this.received.readUIntBE(0, 3);
      if (this.received.length < 9 + length) break;
      const type = this.received[3] ?? 0;
      const flags = this.received[4] ?? 0;
      const stream = this.received.readUInt32BE(5) & 0x7fffffff;
      this.frames.push({ type, flags, stream, payload: this.received.subarray(9, 9 + length) });
      this.received = this.received.subarray(9 + length);
      if (type === Frame.SETTINGS && (flags & Flag.ACK) === 0) this.send(frame(Frame.SETTINGS, Flag.ACK, 0));
    }
    this.wake?.();
  }

  private closed(): void {
    this.isClosed = true;
    this.wake?.();
  }
}

function isFinalHeaders(one: ReceivedFrame): boolean {
  return one.type === Frame.HEADERS && statusOf(one.payload) >= 200;
}

function isLast({ type, flags }: ReceivedFrame): boolean {
  if (type === Frame.RST_STREAM) return true;
  return (type === Frame.DATA || type === Frame.HEADERS) && (flags & Flag.END_STREAM) !== 0;
}

function describe({ type, flags, stream, payload }: ReceivedFrame): string {
  return `type ${type} flags ${flags} stream ${stream} (${payload.toString('hex', 0, 16)})`;
}
