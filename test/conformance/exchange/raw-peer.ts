import { createHmac, randomBytes } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { until } from '#test/support/polling.js';

/**
 * A peer that speaks the exchange protocol byte by byte, written from `host/exchange/README.md` and without the code
 * under test, so that it can also say what no correct end would say.
 */
export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly generation: number;
  readonly id: number;
  readonly payload: Buffer;
}

export const Type = {
  HELLO: 0x01,
  PROOF: 0x02,
  ERROR: 0x03,
  DRAIN: 0x04,
  PING: 0x05,
  PONG: 0x06,
  REQUEST: 0x10,
  RESPONSE: 0x11,
  INTERIM: 0x12,
  DATA: 0x13,
  END: 0x14,
  ABORT: 0x15,
  WINDOW: 0x16,
} as const;

export const END = 1;
export const WINDOW_BYTES = 256 * 1024;

export function frame(
  type: number,
  flags: number,
  generation: number,
  id: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const header = Buffer.alloc(8);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header[5] = generation;
  header.writeUInt16BE(id, 6);
  return Buffer.concat([header, payload]);
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Table and text of fields, the count not included. */
function fieldSection(fields: readonly (readonly [string, string])[]): {
  table: Buffer;
  text: Buffer;
} {
  const table = Buffer.alloc(fields.length * 4);
  fields.forEach(([name, value], i) => {
    table.writeUInt16BE(Buffer.byteLength(name, 'latin1'), i * 4);
    table.writeUInt16BE(Buffer.byteLength(value, 'latin1'), i * 4 + 2);
  });
  return { table, text: Buffer.from(fields.map(([name, value]) => name + value).join(''), 'latin1') };
}

/** Payload of RESPONSE or INTERIM. */
export function responsePayload(
  status: number,
  fields: readonly (readonly [string, string])[],
  body = '',
): Buffer {
  const { table, text } = fieldSection(fields);
  const fixed = Buffer.alloc(4);
  fixed.writeUInt16BE(status, 0);
  fixed.writeUInt16BE(fields.length, 2);
  return Buffer.concat([fixed, table, text, Buffer.from(body)]);
}

/** Payload of END with trailers. */
export function trailersPayload(fields: readonly (readonly [string, string])[]): Buffer {
  const { table, text } = fieldSection(fields);
  return Buffer.concat([Buffer.from([fields.length >> 8, fields.length & 255]), table, text]);
}

export interface RawRequest {
  bits?: number;
  version?: number;
  method?: string;
  contextPath?: string;
  path?: string;
  query?: string;
  authority?: string;
  upgrade?: string;
  remote?: string;
  local?: string;
  bodyLength?: bigint;
  fields?: readonly (readonly [string, string])[];
  fieldCount?: number;
}

/** Payload of REQUEST; by default a GET without a body. */
export function requestPayload(request: RawRequest = {}): Buffer {
  const {
    method = 'GET',
    contextPath = '',
    path = '/',
    query = '',
    authority = 'a.example',
    upgrade = '',
  } = request;
  const { remote = '127.0.0.1', local = '127.0.0.1', fields = [['Host', 'a.example']] } = request;
  const { table, text } = fieldSection(fields);
  const fixed = Buffer.alloc(28);
  fixed[0] = request.bits ?? (query === '' ? 0 : 4) | (upgrade === '' ? 0 : 8);
  fixed[1] = request.version ?? 11;
  fixed[2] = method.length;
  fixed[3] = upgrade.length;
  fixed.writeUInt16BE(contextPath.length, 4);
  fixed.writeUInt16BE(path.length, 6);
  fixed.writeUInt16BE(query.length, 8);
  fixed.writeUInt16BE(authority.length, 10);
  fixed[12] = remote.length;
  fixed[13] = local.length;
  fixed.writeUInt16BE(50000, 14);
  fixed.writeUInt16BE(8080, 16);
  fixed.writeUInt16BE(request.fieldCount ?? fields.length, 18);
  fixed.writeBigUInt64BE(request.bodyLength ?? 0n, 20);
  const strings = method + contextPath + path + query + authority + upgrade + remote + local;
  return Buffer.concat([fixed, table, Buffer.from(strings, 'latin1'), text]);
}

export interface RawHello {
  magic?: string;
  version?: number;
  role?: number;
  window?: number;
  maxExchanges?: number;
}

export function helloPayload(role: 1 | 2, hello: RawHello = {}): Buffer {
  const bytes = Buffer.alloc(52);
  bytes.write(hello.magic ?? 'PORTICO\0', 0, 'latin1');
  bytes.writeUInt16BE(hello.version ?? 2, 8);
  bytes[10] = hello.role ?? role;
  bytes.writeUInt32BE(hello.window ?? WINDOW_BYTES, 12);
  bytes.writeUInt32BE(hello.maxExchanges ?? (role === 2 ? 16384 : 0), 16);
  randomBytes(32).copy(bytes, 20);
  return bytes;
}

export function proof(role: 1 | 2, secret: string, front: Buffer, instance: Buffer): Buffer {
  const label = role === 1 ? 'portico exchange front\0' : 'portico exchange instance\0';
  return createHmac('sha256', secret)
    .update(Buffer.concat([Buffer.from(label), front, instance]))
    .digest();
}

export class RawPeer {
  readonly socket: Socket;
  /** Frames received and not yet taken by `next`, but for PING. */
  readonly frames: RawFrame[] = [];
  /** They come when the other end likes; on a busy machine at any time. */
  readonly pings: RawFrame[] = [];
  isClosed = false;
  private pending = Buffer.alloc(0);

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    // A test may provoke EPIPE or ECONNRESET; what counts is that the connection is closed.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  /** A raw front, connected to a real instance. */
  static async connect(socketPath: string): Promise<RawPeer> {
    const socket = connect({ path: socketPath });
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new RawPeer(socket);
  }

  send(...bytes: Uint8Array[]): void {
    if (!this.socket.destroyed) this.socket.write(Buffer.concat(bytes));
  }

  /** The next frame, of `type` when given; others before it are dropped, but ERROR fails the wait. PING only when asked for. */
  async next(type?: number): Promise<RawFrame> {
    const frames = type === Type.PING ? this.pings : this.frames;
    let found: RawFrame | undefined;
    await until(`frame ${type ?? ''}`, () => {
      while (found === undefined && frames.length > 0) {
        const candidate = frames.shift();
        if (type === undefined || candidate?.type === type) found = candidate;
        else if (candidate?.type === Type.ERROR) {
          frames.unshift(candidate);
          throw new Error(`ERROR instead of type ${type}: ${candidate.payload.toString('utf8', 2)}`);
        }
      }
      return found !== undefined;
    });
    return found as RawFrame;
  }

  async closed(): Promise<void> {
    await until('end of the connection', () => this.isClosed);
  }

  /** The handshake of a front; `secret` as the real instance has it. */
  async shakeAsFront(secret: string, hello?: RawHello): Promise<void> {
    const front = helloPayload(1, hello);
    this.send(frame(Type.HELLO, 0, 0, 0, front));
    const instance = (await this.next(Type.HELLO)).payload.subarray(0, 52);
    this.send(frame(Type.PROOF, 0, 0, 0, proof(1, secret, front, instance)));
  }

  /** The handshake of an instance. */
  async shakeAsInstance(secret: string, hello?: RawHello): Promise<void> {
    const front = (await this.next(Type.HELLO)).payload;
    const instance = helloPayload(2, hello);
    this.send(frame(Type.HELLO, 0, 0, 0, Buffer.concat([instance, proof(2, secret, front, instance)])));
    await this.next(Type.PROOF);
  }

  destroy(): void {
    this.socket.destroy();
  }

  private receive(chunk: Buffer): void {
    this.pending = Buffer.concat([this.pending, chunk]);
    while (this.pending.length >= 8) {
      const length = this.pending.readUIntBE(0, 3);
      if (this.pending.length < 8 + length) return;
      const header = this.pending;
      const type = header[3] as number;
      (type === Type.PING ? this.pings : this.frames).push({
        type,
        flags: header[4] as number,
        generation: header[5] as number,
        id: header.readUInt16BE(6),
        payload: Buffer.from(this.pending.subarray(8, 8 + length)),
      });
      this.pending = this.pending.subarray(8 + length);
    }
  }
}

/** Waits on `socketPath` for real fronts and hands out a raw instance for each. */
export class RawListener {
  readonly peers: RawPeer[] = [];
  private readonly server: Server = createServer((socket) => this.peers.push(new RawPeer(socket)));

  async listen(socketPath: string): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen({ path: socketPath }, resolve));
  }

  async nextPeer(): Promise<RawPeer> {
    await until('a front', () => this.peers.length > 0);
    return this.peers.shift() as RawPeer;
  }

  async close(): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve));
  }
}
