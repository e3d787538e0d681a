/** What a test may do to a frame, right or wrong. */
export interface FrameOptions {
  /** Default true. */
  readonly fin?: boolean;
  /** RSV1 is 4, RSV2 is 2, RSV3 is 1. Default 0. */
  readonly rsv?: number;
  /** Undefined: the frame is not masked. Default: a mask of four different bytes. */
  readonly mask?: Buffer | undefined;
  /** Bytes of the extended length, 0, 2 or 8. Default: the fewest. */
  readonly lengthBytes?: 0 | 2 | 8;
}

export const Opcode = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 } as const;

const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

/** One frame as a client sends it (RFC 6455 §5.2). */
export function frame(opcode: number, payload: string | Buffer = '', options: FrameOptions = {}): Buffer {
  const data = typeof payload === 'string' ? Buffer.from(payload, 'utf8') : payload;
  const mask = 'mask' in options ? options.mask : MASK;
  const { fin = true, rsv = 0, lengthBytes = data.length < 126 ? 0 : data.length < 65_536 ? 2 : 8 } = options;
  const head = Buffer.alloc(2 + lengthBytes);
  head[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  head[1] =
    (mask === undefined ? 0 : 0x80) | (lengthBytes === 0 ? data.length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) head.writeUInt16BE(data.length, 2);
  if (lengthBytes === 8) head.writeBigUInt64BE(BigInt(data.length), 2);
  return mask === undefined ? Buffer.concat([head, data]) : Buffer.concat([head, mask, masked(data, mask)]);
}

export const text = (payload: string | Buffer, options?: FrameOptions): Buffer =>
  frame(Opcode.TEXT, payload, options);
export const binary = (payload: string | Buffer, options?: FrameOptions): Buffer =>
  frame(Opcode.BINARY, payload, options);
export const more = (payload: string | Buffer, options?: FrameOptions): Buffer =>
  frame(Opcode.CONTINUATION, payload, options);
export const ping = (payload: string | Buffer = '', options?: FrameOptions): Buffer =>
  frame(Opcode.PING, payload, options);
export const pong = (payload: string | Buffer = '', options?: FrameOptions): Buffer =>
  frame(Opcode.PONG, payload, options);
/** Without a code the frame has no payload. */
export function close(code?: number, reason: string | Buffer = '', options?: FrameOptions): Buffer {
  if (code === undefined) return frame(Opcode.CLOSE, '', options);
  const payload = Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(reason as string)]);
  return frame(Opcode.CLOSE, payload, options);
}

/** A message in frames of so many bytes. */
export function inFragments(opcode: number, payload: Buffer, bytes: number, rsv = 0): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < payload.length; at += bytes)
    frames.push(
      frame(at === 0 ? opcode : Opcode.CONTINUATION, payload.subarray(at, at + bytes), {
        fin: at + bytes >= payload.length,
        rsv: at === 0 ? rsv : 0,
      }),
    );
  return Buffer.concat(frames);
}

/** One frame of a server. */
export interface ReceivedFrame {
  readonly fin: boolean;
  readonly rsv: number;
  readonly opcode: number;
  readonly isMasked: boolean;
  readonly payload: Buffer;
  /** Of all of the frame. */
  readonly bytes: number;
}

/** The frame at the beginning of `bytes`; undefined while it is not complete. */
export function readFrame(bytes: Buffer): ReceivedFrame | undefined {
  if (bytes.length < 2) return undefined;
  const [first, second] = [bytes[0] as number, bytes[1] as number];
  const short = second & 0x7f;
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < start) return undefined;
  const length =
    short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  const isMasked = second > 127;
  const from = start + (isMasked ? 4 : 0);
  if (bytes.length < from + length) return undefined;
  return {
    fin: first > 127,
    rsv: (first >> 4) & 7,
    opcode: first & 15,
    isMasked,
    payload: bytes.subarray(from, from + length),
    bytes: from + length,
  };
}

function masked(data: Buffer, mask: Buffer): Buffer {
  const copy = Buffer.from(data);
  for (let i = 0; i < copy.length; i++) copy[i] = (copy[i] as number) ^ (mask[i & 3] as number);
  return copy;
}
