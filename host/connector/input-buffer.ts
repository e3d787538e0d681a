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
  /** Length at which the bytes were too few for a whole section; -1 when not tried. */
  private triedLength = -1;

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

  /** The bytes do not hold a whole section yet. */
  noteTried(): void {
    this.triedLength = this.length;
  }

  forgetTried(): void {
    this.triedLength = -1;
  }

  get wasTried(): boolean {
    return this.triedLength >= 0;
  }

  /**
   * A section that was incomplete is parsed again, from its start, when LF or CR has come (a CR without LF is a
   * violation), or the bytes have doubled. So the work stays in proportion however the bytes are split, and violations
   * are still seen early.
   */
  get isWorthTrying(): boolean {
    if (this.triedLength < 0 || this.length >= this.triedLength * 2) return true;
    const from = this.start + this.triedLength;
    return this.has(0x0a, from) || this.has(0x0d, from);
  }

  private has(byte: number, from: number): boolean {
    const at = this.bytes.indexOf(byte, from);
    return at >= 0 && at < this.end;
  }

  clear(): void {
    this.triedLength = -1;
    this.bytes = EMPTY;
    this.start = this.end = 0;
    this.isOwn = false;
  }
}

const EMPTY = Buffer.alloc(0);
