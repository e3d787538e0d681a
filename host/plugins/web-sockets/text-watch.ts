import { Utf8Check } from './utf8-check.js';

/**
 * Looks at the frames of a client before `ws` does, for one thing: a text that is no UTF-8 is found with its first bad
 * byte (RFC 6455 §8.1), where `ws` waits for the end of the message. Whatever else is wrong with a frame is left to `ws`.
 * A whole text in one frame within one chunk is not looked at: `ws` reads it at once, and so is nothing that is compressed.
 */
export class TextWatch {
  readonly #check = new Utf8Check();
  readonly #head = Buffer.alloc(14);
  #headBytes = 0;
  /** Bytes of the head of this frame, as far as it is known. */
  #headLength = 2;
  #payloadLeft = 0;
  readonly #mask = Buffer.alloc(4);
  #maskAt = 0;
  /** The frame belongs to a text that is checked. */
  #isChecked = false;
  /** The message that is going on is a text, not compressed. */
  #isText = false;
  /** Nothing more is looked at: a frame that `ws` refuses, or a close. */
  #isOver = false;

  /** False when `chunk` holds a byte that no text may have there. */
  accept(chunk: Buffer): boolean {
    for (let at = 0; at < chunk.length && !this.#isOver; ) {
      if (this.#payloadLeft === 0) {
        at = this.#takeHead(chunk, at);
        continue;
      }
      const end = Math.min(chunk.length, at + this.#payloadLeft);
      if (this.#isChecked && !this.#check.accept(this.#unmasked(chunk.subarray(at, end)))) return false;
      this.#payloadLeft -= end - at;
      at = end;
    }
    return true;
  }

  #takeHead(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length && this.#headBytes < this.#headLength) {
      this.#head[this.#headBytes++] = chunk[at++] as number;
      if (this.#headBytes === 2) this.#headLength = headLengthOf(this.#head);
    }
    if (this.#headBytes === this.#headLength) this.#begin(chunk.length - at);
    return at;
  }

  #begin(atHand: number): void {
    const first = this.#head[0] as number;
    const opcode = first & 0x0f;
    const isFinal = first > 0x7f;
    const length = payloadLengthOf(this.#head);
    this.#headBytes = 0;
    this.#headLength = 2;
    this.#payloadLeft = length;
    this.#maskAt = 0;
    this.#isChecked = false;
    const rsv = first & 0x70;
    // Data behind a close is nothing (§5.5.1). A frame without a mask (§5.1), and one with reserved bits unless it is the
    // first of a compressed message (§5.2), is refused by ws before its payload.
    this.#isOver =
      opcode === CLOSE ||
      (this.#head[1] as number) < 0x80 ||
      (rsv !== 0 && (rsv !== RSV1 || opcode === CONTINUATION));
    if (this.#isOver || opcode > CLOSE) return;
    if (opcode === TEXT) {
      this.#isText = rsv === 0;
      this.#check.reset();
      // The common case is left to ws, which checks it faster.
      if (isFinal && length <= atHand) this.#isText = false;
    } else if (opcode !== CONTINUATION) this.#isText = false;
    this.#isChecked = this.#isText;
    if (isFinal) this.#isText = false;
    if (this.#isChecked) this.#head.copy(this.#mask, 0, headLengthOf(this.#head) - 4);
  }

  /** A copy: ws takes the mask off by itself. */
  #unmasked(bytes: Buffer): Buffer {
    const copy = Buffer.allocUnsafe(bytes.length);
    const mask = this.#mask;
    const offset = this.#maskAt;
    for (let i = 0; i < bytes.length; i++)
      copy[i] = (bytes[i] as number) ^ (mask[(offset + i) & 3] as number);
    this.#maskAt = (offset + bytes.length) & 3;
    return copy;
  }
}

const CONTINUATION = 0;
const TEXT = 1;
const CLOSE = 8;
const RSV1 = 0x40;

function headLengthOf(head: Buffer): number {
  const second = head[1] as number;
  const short = second & 0x7f;
  return (short === 126 ? 4 : short === 127 ? 10 : 2) + (second > 0x7f ? 4 : 0);
}

function payloadLengthOf(head: Buffer): number {
  const short = (head[1] as number) & 0x7f;
  if (short === 126) return head.readUInt16BE(2);
  // Longer than any limit of ws: it refuses the frame, and nothing is read behind it.
  return short === 127 ? Number(head.readBigUInt64BE(2)) : short;
}
