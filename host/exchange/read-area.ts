import { USED_UP } from './exchange.js';
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
    if (!this.isNeeded) {
      LEAVING.push({ bytes: this.bytes, marks: this.marks });
      if (LEAVING.length > MAX_LEAVING) LEAVING.shift();
      hadLarge = true;
      idleCheck ??= setInterval(forgetWhenIdle, IDLE_MS).unref();
    }
    this.marks = [];
    this.isNeeded = false;
    this.kept = 0;
    this.bytes = this.free = takeLeft(this.size);
  }
}

/** Memory whose bytes are on their way, of all areas of the process, in the order in which it was full. */
const LEAVING: { readonly bytes: Buffer; readonly marks: readonly SendMark[] }[] = [];
/** Some more than what is under way when a handful of large bodies pass through at the same time. */
const MAX_LEAVING = 32;

/** Memory of this size that is free again, or new memory. */
function takeLeft(size: number): Buffer {
  // The oldest are the likeliest; one line that stands still does not hold up the memory of others.
  for (let i = 0; i < LEAVING.length; i++) {
    const { bytes, marks } = LEAVING[i] as (typeof LEAVING)[number];
    if (bytes.length !== size || !marks.every(({ hasLeft }) => hasLeft)) continue;
    LEAVING.splice(i, 1);
    return bytes;
  }
  return Buffer.allocUnsafeSlow(size);
}

/** Without large bodies for so long the memory is given up. */
const IDLE_MS = 1000;
let hadLarge = false;
let idleCheck: NodeJS.Timeout | undefined;

function forgetWhenIdle(): void {
  if (!hadLarge) {
    LEAVING.length = 0;
    clearInterval(idleCheck);
    idleCheck = undefined;
  }
  hadLarge = false;
}

/** What a listener's answer to `bytes` of a chunk says: how many are free now; `area` learns of those that depart. */
export function freeBytes(answer: unknown, bytes: number, area: ReadArea | undefined): number {
  if (answer === USED_UP) return bytes;
  if (answer instanceof SendMark) area?.departs(answer, bytes);
  return 0;
}
