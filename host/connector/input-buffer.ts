/**
 * Received bytes that have not been used yet. Usually the chunk as it came from the socket, without a copy; chunks
 * are joined only when a rest is left over. Bytes once handed out are never overwritten: others keep views of them.
 */
export class InputBuffer {
  bytes: Buffer = EMPTY;
  /** First byte not used yet; the user moves it. */
  start = 0;
  /** End of the received bytes. */
  end = 0;
  private isOwn = false;

  get length(): number {
    return this.end - this.start;
  }

  add(chunk: Buffer): void {
    const rest = this.end - this.start;
    if (rest === 0) {
      this.bytes = chunk;
      this.start = 0;
      this.end = chunk.length;
      this.isOwn = false;
      return;
    }
    if (!this.isOwn || this.bytes.length - this.end < chunk.length) {
      // Doubling keeps a client that sends single bytes from making us copy all of them each time.
      const grown = Buffer.allocUnsafeSlow(Math.max(512, (rest + chunk.length) * 2));
      this.bytes.copy(grown, 0, this.start, this.end);
      this.bytes = grown;
      this.start = 0;
      this.end = rest;
      this.isOwn = true;
    }
    chunk.copy(this.bytes, this.end);
    this.end += chunk.length;
  }

  /** View of the next `size` bytes, which are then used up. */
  take(size: number): Buffer {
    const from = this.start;
    this.start = from + size;
    return from === 0 && size === this.bytes.length ? this.bytes : this.bytes.subarray(from, from + size);
  }

  clear(): void {
    this.bytes = EMPTY;
    this.start = this.end = 0;
    this.isOwn = false;
  }
}

const EMPTY = Buffer.alloc(0);
