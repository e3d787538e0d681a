import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { createInflateRaw, type InflateRaw } from 'node:zlib';
import { WAIT_MS } from '#test/support/polling.js';
import { Opcode, type ReceivedFrame, readFrame } from './frame.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

export interface RawWebSocketOptions {
  /** Value of `Sec-WebSocket-Extensions`, one line each. */
  readonly extensions?: readonly string[];
  /** Further header lines. */
  readonly headers?: readonly string[];
  /** With TLS; certificates are not checked. */
  readonly isSecure?: boolean;
}

/**
 * A client that sends the bytes it is told to, and takes apart what comes, strictly: an event for each message and
 * control frame, `text hello`, `pong`, `close 1000 bye`, at last `end` (the server closed its direction) or `cut`. Long
 * payloads are told by length and hash.
 */
export class RawWebSocket<Connection extends Duplex = Socket> {
  readonly socket: Connection;
  /** Agreed extensions, as the server wrote them; '' for none. */
  readonly extensions: string;
  readonly protocol: string;
  /** Bytes of payload that came, compressed as they are. */
  receivedBytes = 0;
  readonly #parts: Buffer[] = [];
  #partBytes = 0;
  readonly #events: string[] = [];
  #wake: (() => void) | undefined;
  #fragments: ReceivedFrame[] = [];
  #inflate: InflateRaw | undefined;
  readonly #windowBits: number;
  #reading: Promise<void> = Promise.resolve();

  /** A connection that was opened in another way; `extensions` are those that were agreed on. */
  constructor(socket: Connection, extensions: string, protocol = '', rest: Buffer = Buffer.alloc(0)) {
    this.socket = socket;
    this.extensions = extensions;
    this.protocol = protocol;
    this.#windowBits = Number(/server_max_window_bits=(\d+)/.exec(this.extensions)?.[1] ?? 15);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('end', () => {
      this.#over('end');
      socket.end();
    });
    socket.on('error', () => this.#over('cut'));
    if (rest.length > 0) this.#take(rest);
  }

  /** Rejects with the head of any answer but a valid 101 (RFC 6455 §4.1). */
  static async open(port: number, path: string, options: RawWebSocketOptions = {}): Promise<RawWebSocket> {
    const { extensions = [], headers = [], isSecure = false } = options;
    const to = { port, host: '127.0.0.1' };
    const socket = isSecure
      ? connectTls({ ...to, rejectUnauthorized: false, servername: 'localhost', ALPNProtocols: ['http/1.1'] })
      : connect({ ...to, allowHalfOpen: true, noDelay: true });
    await once(socket, isSecure ? 'secureConnect' : 'connect');
    const lines = [
      `GET ${path} HTTP/1.1`,
      'Host: localhost',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${KEY}`,
      ...extensions.map((value) => `Sec-WebSocket-Extensions: ${value}`),
      ...headers,
    ];
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    const bytes = await answerOf(socket);
    const end = bytes.indexOf('\r\n\r\n');
    const head = bytes.toString('latin1', 0, end + 2);
    // RFC 6455 §1.3: the answer to this very key.
    const accept = createHash('sha1').update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    if (!head.startsWith('HTTP/1.1 101 ') || fieldOf(head, 'sec-websocket-accept') !== accept) {
      socket.destroy();
      throw new Error(head);
    }
    const [agreed, protocol] = ['sec-websocket-extensions', 'sec-websocket-protocol'].map((name) =>
      fieldOf(head, name),
    );
    return new RawWebSocket(socket, agreed ?? '', protocol, bytes.subarray(end + 4));
  }

  send(...bytes: readonly Buffer[]): void {
    for (const one of bytes) this.socket.write(one);
  }

  /** Sends byte for byte. */
  async drip(bytes: Buffer): Promise<void> {
    for (let i = 0; i < bytes.length && !this.socket.destroyed; i++) {
      this.socket.write(bytes.subarray(i, i + 1));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The next event. */
  async next(deadlineMs = WAIT_MS): Promise<string> {
    const deadline = performance.now() + deadlineMs;
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) return event;
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error('nothing came in time')),
          deadline - performance.now(),
        );
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** So many events, or fewer when the connection ends before. */
  async take(count: number): Promise<string[]> {
    const events: string[] = [];
    while (events.length < count && !isLast(events.at(-1))) events.push(await this.next());
    return events;
  }

  /** Everything up to the end of the connection. */
  async rest(): Promise<string[]> {
    const events: string[] = [];
    while (!isLast(events.at(-1))) events.push(await this.next());
    return events;
  }

  destroy(): void {
    this.socket.destroy();
    this.#inflate?.close();
    this.#inflate = undefined;
  }

  #take(chunk: Buffer): void {
    this.receivedBytes += chunk.length;
    this.#parts.push(chunk);
    this.#partBytes += chunk.length;
    // Long frames are put together once, not with every chunk.
    const first = this.#parts[0] as Buffer;
    if (this.#parts.length > 1 && lengthOf(first) > this.#partBytes) return;
    let bytes = this.#parts.length === 1 ? first : Buffer.concat(this.#parts);
    for (let one = readFrame(bytes); one !== undefined; one = readFrame(bytes)) {
      bytes = bytes.subarray(one.bytes);
      this.#frame(one);
    }
    this.#parts.length = 0;
    this.#partBytes = bytes.length;
    if (bytes.length > 0) this.#parts.push(bytes);
  }

  #frame(one: ReceivedFrame): void {
    if (one.isMasked) this.#tell('a masked frame');
    if (one.opcode >= Opcode.CLOSE) {
      if (one.rsv !== 0 || !one.fin) this.#tell('a bad control frame');
      this.#control(one.opcode, one.payload);
      return;
    }
    const isFirst = this.#fragments.length === 0;
    if (isFirst === (one.opcode === Opcode.CONTINUATION)) this.#tell('a frame out of order');
    this.#fragments.push(one);
    if (one.fin) this.#message();
  }

  #control(opcode: number, payload: Buffer): void {
    const name = opcode === Opcode.CLOSE ? 'close' : opcode === Opcode.PING ? 'ping' : 'pong';
    const code = opcode === Opcode.CLOSE && payload.length > 1 ? ` ${payload.readUInt16BE(0)}` : '';
    this.#later(() => this.#tell(told(`${name}${code}`, payload.subarray(code === '' ? 0 : 2))));
  }

  #message(): void {
    const fragments = this.#fragments;
    this.#fragments = [];
    const { opcode, rsv } = fragments[0] as ReceivedFrame;
    const payload = Buffer.concat(fragments.map((one) => one.payload));
    const kind = opcode === Opcode.TEXT ? 'text' : 'binary';
    this.#later(async () => {
      if (rsv !== 0 && rsv !== 4) this.#tell('a frame with reserved bits');
      this.#tell(told(kind, rsv === 4 ? await this.#inflated(payload) : payload));
    });
  }

  /** RFC 7692 §7.2.2. */
  #inflated(payload: Buffer): Promise<Buffer> {
    const isAnew = this.extensions.includes('server_no_context_takeover');
    if (isAnew) this.#inflate = undefined;
    this.#inflate ??= createInflateRaw({ windowBits: this.#windowBits });
    const inflate = this.#inflate;
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      inflate.removeAllListeners();
      inflate.on('error', reject);
      inflate.on('data', (chunk: Buffer) => chunks.push(chunk));
      inflate.write(payload);
      inflate.write(Buffer.from([0, 0, 0xff, 0xff]));
      inflate.flush(() => resolve(Buffer.concat(chunks)));
    });
  }

  /** Events keep their order though inflating takes its time. */
  #later(tell: () => void | Promise<void>): void {
    this.#reading = this.#reading.then(tell).catch((error: Error) => this.#tell(`failed: ${error.message}`));
  }

  #over(how: 'end' | 'cut'): void {
    this.#later(() => this.#tell(this.#partBytes > 0 ? `${how} within a frame` : how));
  }

  #tell(event: string): void {
    this.#events.push(event);
    this.#wake?.();
    this.#wake = undefined;
  }
}

/** An event as a test expects it. */
export function told(kind: string, payload: string | Buffer = ''): string {
  const bytes = Buffer.from(payload as string);
  if (bytes.length === 0) return kind;
  if (bytes.length > 200)
    return `${kind} of ${bytes.length} bytes ${createHash('sha1').update(bytes).digest('hex').slice(0, 8)}`;
  return `${kind} ${kind === 'binary' ? bytes.toString('hex') : bytes.toString('utf8')}`;
}

function isLast(event: string | undefined): boolean {
  return event !== undefined && /^(end|cut)/.test(event);
}

/** Whole length of the frame that begins here, as far as it can be told. */
function lengthOf(bytes: Buffer): number {
  if (bytes.length < 10) return 0;
  const short = (bytes[1] as number) & 0x7f;
  if (short === 127) return 10 + Number(bytes.readBigUInt64BE(2));
  return short === 126 ? 4 + bytes.readUInt16BE(2) : 2 + short;
}

function fieldOf(head: string, name: string): string {
  return new RegExp(`^${name}: *(.*)\\r$`, 'im').exec(head)?.[1] ?? '';
}

function answerOf(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const finish = (settle: () => void): void => {
      clearTimeout(timer);
      socket.off('data', take).off('end', fail).off('error', reject);
      settle();
    };
    const fail = (): void => finish(() => reject(new Error(`no answer: ${bytes.toString('latin1')}`)));
    const take = (chunk: Buffer): void => {
      bytes = Buffer.concat([bytes, chunk]);
      // Whatever follows must not be lost before somebody listens.
      if (bytes.includes('\r\n\r\n')) finish(() => resolve(bytes));
    };
    const timer = setTimeout(fail, WAIT_MS);
    socket.on('data', take).once('end', fail).once('error', reject);
  });
}
