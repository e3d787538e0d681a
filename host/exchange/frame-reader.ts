import {
  FIRST_IGNORABLE_TYPE,
  FrameType,
  HEADER_BYTES,
  nameOfType,
  ProtocolViolation,
  readU16,
} from './frame.js';

/** Who takes the frames. Every method may throw a ProtocolViolation, which leaves the reader unusable. */
export interface FrameSink {
  /** No frame is delivered any more once this is true. */
  readonly isClosed: boolean;
  /** Longest payload accepted just now. */
  readonly maxPayloadBytes: number;
  /** A whole frame other than DATA; its payload is `bytes` from `start` to `end`. */
  frame(
    type: number,
    flags: number,
    generation: number,
    id: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void;
  /** The header of a DATA frame; `length` bytes follow by `dataPiece`, then `dataEnds` once. */
  dataBegins(flags: number, generation: number, id: number, length: number): void;
  /**
   * A part of the payload of the DATA frame that began last, never empty. True when nobody needs it any
   * more: its memory may be used again, see `FrameReader.push`.
   */
  dataPiece(bytes: Buffer, start: number, end: number): boolean;
  dataEnds(): void;
}

/**
 * Cuts the bytes of a socket into frames. The payload of DATA is handed on as it comes, without a copy and without
 * waiting for the whole frame. Other frames are handed on in place when they lie whole in a chunk; only those cut by
 * the border of a chunk are copied together. Owned by one connection.
 *
 * The memory of a chunk may be lent: then frames other than DATA, and small pieces of DATA, are handed on as copies, and
 * who takes a larger piece says whether it is still needed.
 */
export class FrameReader {
  private readonly sink: FrameSink;
  private readonly header = Buffer.alloc(HEADER_BYTES);
  private headerFill = 0;
  /** Payload bytes still to come of the frame `type`, when `isInside`. */
  private remaining = 0;
  private isInside = false;
  private type = 0;
  private flags = 0;
  private generation = 0;
  private id = 0;
  private assembly: Buffer | undefined;
  private isLent = false;
  /** Somebody needs a part of the lent chunk. */
  private isKept = false;

  constructor(sink: FrameSink) {
    this.sink = sink;
  }

  /**
   * Takes the next bytes of the socket. When they are lent and the answer is true, the caller may use their memory
   * again; otherwise it must not.
   */
  push(chunk: Buffer, isLent = false): boolean {
    this.isLent = isLent;
    this.isKept = !isLent;
    this.cut(chunk);
    return !this.isKept;
  }

  private cut(chunk: Buffer): void {
    const { sink } = this;
    const size = chunk.length;
    let at = 0;
    while (at < size && !sink.isClosed) {
      if (this.isInside) {
        at = this.continueFrame(chunk, at);
        continue;
      }
      if (this.headerFill > 0 || size - at < HEADER_BYTES) {
        at = this.collectHeader(chunk, at);
        if (this.headerFill < HEADER_BYTES) return;
        this.headerFill = 0;
        at = this.beginFrame(this.header, 0, chunk, at);
      } else {
        at = this.beginFrame(chunk, at, chunk, at + HEADER_BYTES);
      }
    }
  }

  private collectHeader(chunk: Buffer, at: number): number {
    let next = at;
    while (this.headerFill < HEADER_BYTES && next < chunk.length)
      this.header[this.headerFill++] = chunk[next++] as number;
    return next;
  }

  /** Header in `header` at `headerAt`, payload from `at` on in `chunk`. Returns where to go on in `chunk`. */
  private beginFrame(header: Buffer, headerAt: number, chunk: Buffer, at: number): number {
    const { sink } = this;
    const length = ((header[headerAt] as number) << 16) | readU16(header, headerAt + 1);
    const type = header[headerAt + 3] as number;
    const flags = header[headerAt + 4] as number;
    const generation = header[headerAt + 5] as number;
    const id = readU16(header, headerAt + 6);
    if (length > sink.maxPayloadBytes) {
      throw new ProtocolViolation(
        `${nameOfType(type)} has a payload of ${length} bytes; at most ${sink.maxPayloadBytes} are allowed here`,
      );
    }
    if (type !== FrameType.DATA && chunk.length - at >= length) {
      const end = at + length;
      if (this.isLent) sink.frame(type, flags, generation, id, copyOf(chunk, at, end), 0, length);
      else sink.frame(type, flags, generation, id, chunk, at, end);
      return end;
    }
    this.type = type;
    this.flags = flags;
    this.generation = generation;
    this.id = id;
    this.remaining = length;
    if (type === FrameType.DATA) {
      sink.dataBegins(flags, generation, id, length);
      if (length === 0) {
        sink.dataEnds();
        return at;
      }
    } else {
      this.assembly = type >= FIRST_IGNORABLE_TYPE ? undefined : Buffer.allocUnsafeSlow(length);
    }
    this.isInside = true;
    return at;
  }

  /** More payload of a frame that was cut, or of DATA. */
  private continueFrame(chunk: Buffer, at: number): number {
    const { sink } = this;
    const end = Math.min(chunk.length, at + this.remaining);
    if (this.type === FrameType.DATA) {
      this.remaining -= end - at;
      this.isInside = this.remaining > 0;
      this.handOn(chunk, at, end);
      if (!this.isInside && !sink.isClosed) sink.dataEnds();
      return end;
    }
    if (this.assembly !== undefined)
      chunk.copy(this.assembly, this.assembly.length - this.remaining, at, end);
    this.remaining -= end - at;
    if (this.remaining === 0) {
      const whole = this.assembly;
      this.assembly = undefined;
      this.isInside = false;
      if (whole !== undefined)
        sink.frame(this.type, this.flags, this.generation, this.id, whole, 0, whole.length);
    }
    return end;
  }

  private handOn(chunk: Buffer, at: number, end: number): void {
    const { sink } = this;
    if (this.isLent && end - at < LENT_BYTES) sink.dataPiece(copyOf(chunk, at, end), 0, end - at);
    else if (!sink.dataPiece(chunk, at, end)) this.isKept = true;
  }
}

/** Smaller pieces are copied: whoever keeps one must not keep a whole area with it. */
const LENT_BYTES = 32 * 1024;

function copyOf(chunk: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafe(end - start);
  chunk.copy(copy, 0, start, end);
  return copy;
}
