/**
 * Follows one direction of a WebSocket connection just far enough to know where a frame ends (RFC 6455 §5.2). It
 * reads headers and skips payloads; it checks nothing, since the two ends do. A frame of ours can be put between two
 * frames of theirs, also between the fragments of a message (§5.4).
 */
export class FrameTracker {
  #stage: Stage = OPCODE;
  #opcode = 0;
  #isMasked = false;
  #lengthBytes = 0;
  #payload = 0;
  /** Bytes of the mask or the payload that are still to come. */
  #left = 0;
  #hasSeenClose = false;

  /** True when the next byte begins a frame. */
  get isAtBoundary(): boolean {
    return this.#stage === OPCODE;
  }

  /** True after a whole close frame. */
  get hasSeenClose(): boolean {
    return this.#hasSeenClose;
  }

  /** Follows all of `chunk`. */
  follow(chunk: Uint8Array): void {
    this.#advance(chunk, false);
  }

  /**
   * Follows `chunk` up to the end of the frame that is going on and tells how many bytes that are: 0 at a boundary,
   * the length of the chunk if the frame ends with it or later.
   */
  finishFrame(chunk: Uint8Array): number {
    return this.isAtBoundary ? 0 : this.#advance(chunk, true);
  }

  #advance(chunk: Uint8Array, untilBoundary: boolean): number {
    let at = 0;
    while (at < chunk.length) {
      if (this.#stage >= MASK) {
        const skipped = Math.min(this.#left, chunk.length - at);
        at += skipped;
        this.#left -= skipped;
        if (this.#left === 0) this.#endOfStage();
      } else this.#header(chunk[at++] as number);
      if (untilBoundary && this.#stage === OPCODE) break;
    }
    return at;
  }

  #header(byte: number): void {
    if (this.#stage === OPCODE) {
      this.#opcode = byte & 0x0f;
      this.#stage = LENGTH;
      return;
    }
    if (this.#stage === LENGTH) {
      this.#isMasked = (byte & 0x80) !== 0;
      const length = byte & 0x7f;
      this.#payload = length < 126 ? length : 0;
      this.#lengthBytes = length < 126 ? 0 : length === 126 ? 2 : 8;
      this.#stage = EXTENDED_LENGTH;
    } else {
      this.#payload = this.#payload * 256 + byte;
      this.#lengthBytes--;
    }
    if (this.#lengthBytes > 0) return;
    this.#stage = this.#isMasked ? MASK : PAYLOAD;
    this.#left = this.#isMasked ? 4 : this.#payload;
    if (this.#left === 0) this.#endOfStage();
  }

  #endOfStage(): void {
    if (this.#stage === MASK && this.#payload > 0) {
      this.#stage = PAYLOAD;
      this.#left = this.#payload;
      return;
    }
    this.#stage = OPCODE;
    if (this.#opcode === CLOSE) this.#hasSeenClose = true;
  }
}

/** A close frame from server to client. Unmasked, as servers must (RFC 6455 §5.1); at most 125 bytes of it are payload. */
export function closeFrame(code: number, reason: string): Buffer {
  const text = Buffer.from(reason, 'utf8').subarray(0, 123);
  return Buffer.concat([Buffer.from([0x88, text.length + 2, code >> 8, code & 0xff]), text]);
}

const OPCODE = 0;
const LENGTH = 1;
const EXTENDED_LENGTH = 2;
const MASK = 3;
const PAYLOAD = 4;
type Stage = typeof OPCODE | typeof LENGTH | typeof EXTENDED_LENGTH | typeof MASK | typeof PAYLOAD;

const CLOSE = 8;
