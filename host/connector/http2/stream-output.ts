import type { ServerHttp2Stream } from 'node:http2';

/**
 * The bytes sent on one stream. Owned by the exchange. Hands them to the library in pieces: a piece is done when the
 * client's window has let it through, so a slow client is seen to make progress.
 */
export class StreamOutput {
  /** Called when the output was full and is so no longer. */
  onDrain: (() => void) | undefined;

  private readonly stream: ServerHttp2Stream;
  private readonly queue: Uint8Array[] = [];
  private queuedBytes = 0;
  private acceptedBytes = 0;
  private isWriting = false;
  private isEnding = false;
  private wasFull = false;

  constructor(stream: ServerHttp2Stream) {
    this.stream = stream;
  }

  /** Bytes that the client has not let through yet. */
  get waitingBytes(): number {
    return this.queuedBytes + this.stream.writableLength;
  }

  /** Grows whenever the client lets something through. */
  get progress(): number {
    return this.acceptedBytes - this.waitingBytes;
  }

  /** True when a writer shall wait for `onDrain`. */
  get isFull(): boolean {
    if (this.waitingBytes < HIGH_WATER_BYTES) return false;
    this.wasFull = true;
    return true;
  }

  write(bytes: Uint8Array): void {
    this.acceptedBytes += bytes.length;
    this.queue.push(bytes);
    this.queuedBytes += bytes.length;
    if (!this.isWriting) this.next();
  }

  /** Nothing follows. With `last`, the only piece of a body, most often. */
  end(last?: string | Uint8Array): void {
    this.isEnding = true;
    if (last !== undefined && last.length <= PIECE_BYTES && !this.isWriting) {
      this.acceptedBytes += last.length;
      this.stream.end(last);
      return;
    }
    if (last !== undefined) this.write(typeof last === 'string' ? Buffer.from(last) : last);
    else if (!this.isWriting && this.queue.length === 0) this.stream.end();
  }

  private next(): void {
    const { queue, stream } = this;
    const first = queue[0];
    if (first === undefined || stream.destroyed) return;
    const piece = first.length > PIECE_BYTES ? first.subarray(0, PIECE_BYTES) : first;
    if (piece === first) queue.shift();
    else queue[0] = first.subarray(PIECE_BYTES);
    this.queuedBytes -= piece.length;
    this.isWriting = true;
    // The last piece and the end of the stream go in one frame.
    if (this.isEnding && queue.length === 0) stream.end(piece);
    else stream.write(piece, this.written);
  }

  private readonly written = (error?: Error | null): void => {
    this.isWriting = false;
    if (error !== undefined && error !== null) return;
    if (this.queue.length > 0) this.next();
    else if (this.isEnding) this.stream.end();
    if (!this.wasFull || this.waitingBytes > LOW_WATER_BYTES) return;
    this.wasFull = false;
    this.onDrain?.();
  };
}

/** Most bytes handed to the library at once. */
const PIECE_BYTES = 32 * 1024;
/** More bytes waiting than this: the writer shall stop. */
const HIGH_WATER_BYTES = 128 * 1024;
/** So few: the writer may go on. */
const LOW_WATER_BYTES = 32 * 1024;
