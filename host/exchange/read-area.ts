/** With less left behind what is kept, a new area is better: reads should be large. */
const LEAST_ROOM_BYTES = 32 * 1024;

/**
 * Memory that a socket is read into again and again while large bodies pass through. Chunks in it are **lent**: who is
 * given one says at once whether the bytes are still needed. Those that are stay untouched, and reading goes on behind
 * them, or in new memory. So bytes that are sent on at once, the usual case, cost neither a copy nor garbage.
 *
 * Owned by whoever reads from the socket, and as long as bodies come; it is not made for a socket that is idle.
 */
export class ReadArea {
  private readonly size: number;
  private bytes: Buffer;
  private kept = 0;
  private free: Buffer;

  /** `size` in bytes: most that one read takes. */
  constructor(size: number) {
    this.size = size;
    this.bytes = this.free = Buffer.allocUnsafeSlow(size);
  }

  /** Where to read next. */
  get room(): Buffer {
    return this.free;
  }

  /** True for a chunk that was read into this area. */
  lends(chunk: Buffer): boolean {
    return chunk.buffer === this.bytes.buffer;
  }

  /** Somebody needs `chunk`, which was read into `room` last: it is not written to any more. */
  keep(chunk: Buffer): void {
    this.kept = chunk.byteOffset - this.bytes.byteOffset + chunk.length;
    if (this.size - this.kept < LEAST_ROOM_BYTES) {
      this.bytes = this.free = Buffer.allocUnsafeSlow(this.size);
      this.kept = 0;
    } else {
      this.free = this.bytes.subarray(this.kept);
    }
  }
}
