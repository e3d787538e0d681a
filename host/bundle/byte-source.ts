/** Reads a stream of chunks in pieces of wanted length. Keeps at most one chunk and what `read` gathers. */
export class ByteSource {
  readonly #chunks: AsyncIterator<Buffer>;
  #current: Buffer = Buffer.alloc(0);
  #ended = false;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Exactly this many bytes; undefined when the stream ends before. Callers MUST bound `length`. */
  async read(length: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      const part = await this.readSome(missing);
      if (part === undefined) return undefined;
      parts.push(part);
      missing -= part.length;
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
  }

  /** At least one byte and at most `max`, as they come; undefined at the end. */
  async readSome(max: number): Promise<Buffer | undefined> {
    while (this.#current.length === 0) {
      if (this.#ended) return undefined;
      const next = await this.#chunks.next();
      if (next.done === true) this.#ended = true;
      else this.#current = next.value;
    }
    const part = this.#current.subarray(0, max);
    this.#current = this.#current.subarray(part.length);
    return part;
  }

  /** Ends the stream behind it, also when it was not read to its end. */
  async close(): Promise<void> {
    if (!this.#ended) await this.#chunks.return?.();
    this.#ended = true;
  }
}
