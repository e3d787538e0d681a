import { USED_UP } from './exchange.js';
import { letLeave, takeLeft } from './leaving-memory.js';
import { SendMark } from './send-mark.js';

/** With less left behind what is kept, a new area is better: reads should be large. */
const LEAST_ROOM_BYTES = 32 * 1024;

/**
 * Memory that a socket is read into again and again while large bodies pass through. Chunks in it are **lent**: who is
 * given one says at once whether the bytes are still needed. Those that are stay untouched, and reading goes on behind
 * them, or in other memory; memory whose bytes are all on their way somewhere is read into again when they have left. So
 * bytes that are sent on, the usual case, cost neither a copy nor garbage.
 *
 * Owned by whoever reads from the socket, and as long as bodies come; it is not made for a socket that is idle.
 */
export class ReadArea {
  private readonly size: number;
  private bytes: Buffer;
  private kept = 0;
  private free: Buffer;
  /** Somebody needs a part of it for ever. */
  private isNeeded = false;
  /** What has to leave before it can be used again: the last mark by each line, as far as it is known. */
  private marks: SendMark[] = [];
  /** Bytes of the chunk being looked at that are on their way. */
  private departing = 0;

  /** `size` in bytes: most that one read takes. */
  constructor(size: number) {
    this.size = size;
    this.bytes = this.free = takeLeft(size);
  }

  /** Where to read next. */
  get room(): Buffer {
    this.departing = 0;
    return this.free;
  }

  /** The same, for no more than so many bytes. */
  roomFor(bytes: number): Buffer {
    const { room } = this;
    return room.length <= bytes ? room : room.subarray(0, bytes);
  }

  /** True for a chunk that was read into this area. */
  lends(chunk: Buffer): boolean {
    return chunk.buffer === this.bytes.buffer;
  }

  /** So many bytes of what was read into `room` last are on their way. */
  departs(mark: SendMark, bytes: number): void {
    const { marks } = this;
    this.departing += bytes;
    const last = marks.at(-1);
    if (last !== undefined && mark.covers(last)) marks[marks.length - 1] = mark;
    else marks.push(mark);
  }

  /**
   * Somebody needs `chunk`, which was read into `room` last, apart from `usedUp` bytes of it: it is not written to any more,
   * unless all the others depart.
   */
  keep(chunk: Buffer, usedUp = 0): void {
    if (usedUp + this.departing < chunk.length) this.isNeeded = true;
    this.departing = 0;
    this.kept = chunk.byteOffset - this.bytes.byteOffset + chunk.length;
    if (this.size - this.kept < LEAST_ROOM_BYTES) this.renew();
    else this.free = this.bytes.subarray(this.kept);
  }

  private renew(): void {
    if (!this.isNeeded) letLeave(this.bytes, this.marks);
    this.marks = [];
    this.isNeeded = false;
    this.kept = 0;
    this.bytes = this.free = takeLeft(this.size);
  }
}

/** What a listener's answer to `bytes` of a chunk says: how many are free now; `area` learns of those that depart. */
export function freeBytes(answer: unknown, bytes: number, area: ReadArea | undefined): number {
  if (answer === USED_UP) return bytes;
  if (answer instanceof SendMark) area?.departs(answer, bytes);
  return 0;
}
