import { HEX_DIGIT, TOKEN } from '../http/byte-classes.js';

/** What the decoder stopped at. */
export const ChunkEvent = {
  /** All bytes are used up; more are needed. */
  MORE: 0,
  /** `dataStart` to `dataEnd` are bytes of the body. */
  DATA: 1,
  /** The last chunk has been read; the trailer section begins at `position`. */
  LAST: 2,
  /** The framing is broken. */
  BROKEN: 3,
  /** Body bytes are there, but none are wanted now. */
  BLOCKED: 4,
} as const;
export type ChunkEvent = (typeof ChunkEvent)[keyof typeof ChunkEvent];

/** Chunk extensions of one body together; nobody honest uses them at length. */
const MAX_EXTENSION_BYTES = 16 * 1024;
/** Digits of a chunk size, leading zeros included: up to 2^52. */
const MAX_SIZE_DIGITS = 13;

/**
 * Takes chunk lines away from a chunked body (RFC 9112 §7.1), strictly: CRLF only, sizes of hexadecimal digits with
 * an end, extensions that follow the grammar. Works on any split of the bytes. One per chunked request.
 */
export class ChunkedDecoder {
  /** Next byte to look at, after `next`. */
  position = 0;
  dataStart = 0;
  dataEnd = 0;

  private state: State = State.SIZE;
  private size = 0;
  private digits = 0;
  private extensionBytes = 0;

  /** Reads on from `position`; the received bytes end at `end`. `most` is how many body bytes are wanted. */
  next(bytes: Buffer, position: number, end: number, most: number): ChunkEvent {
    let i = position;
    while (i < end) {
      if (this.state === State.DATA) {
        const length = Math.min(this.size, end - i, most);
        if (length === 0) {
          this.position = i;
          return ChunkEvent.BLOCKED;
        }
        this.dataStart = i;
        this.dataEnd = this.position = i + length;
        this.size -= length;
        if (this.size === 0) this.state = State.DATA_CR;
        return ChunkEvent.DATA;
      }
      const byte = bytes[i++] as number;
      const next = this.state === State.SIZE ? this.onSize(byte) : this.onOther(byte);
      if (next === State.BROKEN) return ChunkEvent.BROKEN;
      this.state = next;
      if (next === State.LAST) {
        this.position = i;
        return ChunkEvent.LAST;
      }
    }
    this.position = i;
    return ChunkEvent.MORE;
  }

  private onSize(byte: number): State {
    const digit = HEX_DIGIT[byte] as number;
    if (digit >= 0) {
      this.size = this.size * 16 + digit;
      return ++this.digits > MAX_SIZE_DIGITS ? State.BROKEN : State.SIZE;
    }
    if (this.digits === 0) return State.BROKEN;
    this.digits = 0;
    return byte === CR ? State.SIZE_LF : this.onExtension(byte, State.BEFORE_SEMICOLON);
  }

  private onOther(byte: number): State {
    switch (this.state) {
      case State.SIZE_LF:
        if (byte !== LF) return State.BROKEN;
        return this.size === 0 ? State.LAST : State.DATA;
      case State.DATA_CR:
        return byte === CR ? State.DATA_LF : State.BROKEN;
      case State.DATA_LF:
        return byte === LF ? State.SIZE : State.BROKEN;
      default:
        return this.onExtension(byte, this.state);
    }
  }

  /** chunk-ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] ), RFC 9112 §7.1.1. */
  private onExtension(byte: number, state: State): State {
    if (++this.extensionBytes > MAX_EXTENSION_BYTES) return State.BROKEN;
    const isBlank = byte === SP || byte === TAB;
    switch (state) {
      case State.BEFORE_SEMICOLON:
        return isBlank ? state : byte === SEMICOLON ? State.BEFORE_NAME : State.BROKEN;
      case State.BEFORE_NAME:
        return isBlank ? state : TOKEN[byte] === 1 ? State.NAME : State.BROKEN;
      case State.NAME:
        if (TOKEN[byte] === 1) return state;
        return isBlank ? State.AFTER_NAME : byte === EQUALS ? State.BEFORE_VALUE : this.afterExtension(byte);
      case State.AFTER_NAME:
        if (isBlank) return state;
        return byte === EQUALS ? State.BEFORE_VALUE : byte === SEMICOLON ? State.BEFORE_NAME : State.BROKEN;
      case State.BEFORE_VALUE:
        if (isBlank) return state;
        return byte === QUOTE ? State.QUOTED : TOKEN[byte] === 1 ? State.VALUE : State.BROKEN;
      case State.VALUE:
        return TOKEN[byte] === 1 ? state : isBlank ? State.BEFORE_SEMICOLON : this.afterExtension(byte);
      case State.QUOTED:
        if (byte === QUOTE) return State.AFTER_QUOTED;
        return byte === BACKSLASH ? State.ESCAPED : isQuotable(byte) ? state : State.BROKEN;
      case State.ESCAPED:
        return isQuotable(byte) ? State.QUOTED : State.BROKEN;
      case State.AFTER_QUOTED:
        return isBlank ? State.BEFORE_SEMICOLON : this.afterExtension(byte);
      default:
        return State.BROKEN;
    }
  }

  private afterExtension(byte: number): State {
    return byte === SEMICOLON ? State.BEFORE_NAME : byte === CR ? State.SIZE_LF : State.BROKEN;
  }
}

const State = {
  SIZE: 0,
  SIZE_LF: 1,
  DATA: 2,
  DATA_CR: 3,
  DATA_LF: 4,
  LAST: 5,
  BEFORE_SEMICOLON: 6,
  BEFORE_NAME: 7,
  NAME: 8,
  AFTER_NAME: 9,
  BEFORE_VALUE: 10,
  VALUE: 11,
  QUOTED: 12,
  ESCAPED: 13,
  AFTER_QUOTED: 14,
  BROKEN: 15,
} as const;
type State = (typeof State)[keyof typeof State];

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const QUOTE = 0x22;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/** qdtext and what may follow a backslash (RFC 9110 §5.6.4). */
function isQuotable(byte: number): boolean {
  return byte === TAB || (byte >= SP && byte !== 0x7f);
}
