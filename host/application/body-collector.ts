/** Bodies of known length are gathered in blocks of at most this size: what a request claims is not what it sends. */
const BLOCK_BYTES = 1024 * 1024;

/**
 * Gathers the chunks of one body into one buffer. With a known length each chunk is copied at once to where it belongs,
 * while it is in the cache of the processor, and is garbage; only bodies beyond 1 MiB are copied a second time. A body
 * that came in one chunk is not copied at all, nor is what was read into the `room` named here. Without a length the
 * chunks are kept and joined at the end.
 */
export class BodyCollector {
  /** Bytes so far. */
  size = 0;
  readonly #expected: number | undefined;
  readonly #pieces: Buffer[] = [];
  #block: Buffer | undefined;
  #blockEnd = 0;

  /** `expected`: bytes of the whole body, when known. Fewer or more are no error here. */
  constructor(expected: number | undefined) {
    this.#expected = expected;
  }

  /** True when the chunk was copied; otherwise it MUST NOT be changed by anybody from here on. */
  add(chunk: Buffer): boolean {
    const before = this.size;
    this.size += chunk.length;
    if (this.#expected === undefined || before + chunk.length > this.#expected) this.#keep(chunk);
    else if (chunk.length === this.#expected) this.#pieces.push(chunk);
    else {
      this.#copy(chunk, this.#expected - before);
      return true;
    }
    return false;
  }

  /**
   * Where the next bytes belong; they need not be copied when they are put there before they are added. Undefined
   * before the first bytes, and when the length is not known.
   */
  get room(): Buffer | undefined {
    if (this.#expected === undefined || this.size === 0 || this.size >= this.#expected) return undefined;
    this.#block ??= newBlock(this.#expected - this.size);
    return this.#block.subarray(this.#blockEnd);
  }

  /** The whole body. */
  take(): Buffer {
    this.#closeBlock();
    const [first] = this.#pieces;
    return first !== undefined && this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces, this.size);
  }

  #keep(chunk: Buffer): void {
    this.#closeBlock();
    this.#pieces.push(chunk);
  }

  /** `due`: bytes that are still expected, those of the chunk included. */
  #copy(chunk: Buffer, due: number): void {
    for (let copied = 0; copied < chunk.length; ) {
      this.#block ??= newBlock(due - copied);
      const count = this.#isInPlace(chunk, this.#block)
        ? chunk.length
        : chunk.copy(this.#block, this.#blockEnd, copied);
      copied += count;
      this.#blockEnd += count;
      if (this.#blockEnd === this.#block.length) this.#closeBlock();
    }
  }

  #isInPlace(chunk: Buffer, block: Buffer): boolean {
    return chunk.buffer === block.buffer && chunk.byteOffset === block.byteOffset + this.#blockEnd;
  }

  #closeBlock(): void {
    if (this.#block !== undefined) this.#pieces.push(this.#block.subarray(0, this.#blockEnd));
    this.#block = undefined;
    this.#blockEnd = 0;
  }
}

/** `due`: bytes that are still expected. */
function newBlock(due: number): Buffer {
  return Buffer.allocUnsafeSlow(Math.min(due, BLOCK_BYTES));
}
