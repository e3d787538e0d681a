import { PorticoError } from '../errors.js';

/**
 * Numbers of the exchange protocol, version 1. `README.md` beside this file says what each one means; both ends and
 * every test take them from here.
 */
export const PROTOCOL_VERSION = 2;

/** Frame types. 0x80 and above may be ignored by who does not know them; any other unknown type is a violation. */
export const FrameType = {
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

/** The first type of the range that an end ignores when it does not know it. */
export const FIRST_IGNORABLE_TYPE = 0x80;

/** The only flag: this frame is the last of its sender's direction. On REQUEST, RESPONSE and DATA. */
export const FLAG_END = 0x01;

/** Bytes of the header of every frame. */
export const HEADER_BYTES = 8;
/** Longest payload of any frame. */
export const MAX_PAYLOAD_BYTES = 128 * 1024;
/** Longest payload until the handshake is over. */
export const MAX_HANDSHAKE_BYTES = 1024;
/** Longest head: the payload of REQUEST, INTERIM and END, and that of RESPONSE less its body. */
export const MAX_HEAD_BYTES = 64 * 1024;
/** Most fields of one head or trailer section. */
export const MAX_FIELDS = 1024;
/** Most interim responses of one exchange. */
export const MAX_INTERIMS = 32;
/** Bytes of the payload of PING and PONG. */
export const PING_BYTES = 8;
/** Body bytes an end accepts per exchange before it has returned credit; announced in HELLO. */
export const DEFAULT_WINDOW_BYTES = 256 * 1024;
/** Bounds of the window that HELLO may announce. */
export const MIN_WINDOW_BYTES = 1024;
export const MAX_WINDOW_BYTES = 16 * 1024 * 1024;
/** Exchanges an instance accepts at once on one connection; announced in HELLO. */
export const DEFAULT_MAX_EXCHANGES = 16 * 1024;
/** Ids have 16 bits. */
export const MAX_EXCHANGES = 65_536;

/** Codes of the ERROR frame. */
export const WireError = { VERSION: 1, SECRET: 2, PROTOCOL: 3, TIMEOUT: 4 } as const;
export type WireError = (typeof WireError)[keyof typeof WireError];

const CODES: Readonly<Record<WireError, string>> = {
  [WireError.VERSION]: 'PORTICO_EXCHANGE_VERSION',
  [WireError.SECRET]: 'PORTICO_EXCHANGE_SECRET',
  [WireError.PROTOCOL]: 'PORTICO_EXCHANGE_PROTOCOL',
  [WireError.TIMEOUT]: 'PORTICO_EXCHANGE_TIMEOUT',
};

/** The peer sent what the protocol does not allow; the connection is closed with the ERROR frame `wireError`. */
export class ProtocolViolation extends PorticoError {
  readonly wireError: WireError;

  constructor(message: string, wireError: WireError = WireError.PROTOCOL) {
    super(CODES[wireError], message);
    this.name = 'ProtocolViolation';
    this.wireError = wireError;
  }
}

/** Error code for an ERROR frame of the peer; an unknown number counts as a protocol error. */
export function codeOfWireError(wireError: number): string {
  return CODES[wireError as WireError] ?? CODES[WireError.PROTOCOL];
}

/** Name of a frame type for messages. */
export function nameOfType(type: number): string {
  for (const [name, value] of Object.entries(FrameType)) if (value === type) return name;
  return `frame type 0x${type.toString(16).padStart(2, '0')}`;
}

/** Writes a frame header at `at`. */
export function writeHeader(
  bytes: Uint8Array,
  at: number,
  length: number,
  type: number,
  flags: number,
  generation: number,
  id: number,
): void {
  bytes[at] = length >>> 16;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length;
  bytes[at + 3] = type;
  bytes[at + 4] = flags;
  bytes[at + 5] = generation;
  bytes[at + 6] = id >>> 8;
  bytes[at + 7] = id;
}

/** Reads 16 bits, most significant byte first. */
export function readU16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** Writes 16 bits, most significant byte first. */
export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

/** Reads 32 bits, most significant byte first. */
export function readU32(bytes: Uint8Array, at: number): number {
  return readU16(bytes, at) * 0x1_0000 + readU16(bytes, at + 2);
}

/** Writes 32 bits, most significant byte first. */
export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  writeU16(bytes, at, value >>> 16);
  writeU16(bytes, at + 2, value & 0xffff);
}
