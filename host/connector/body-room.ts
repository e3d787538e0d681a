import { ReadArea } from '../exchange/read-area.js';

/**
 * Memory into which a large request body is read that comes fast and has no place of its own: an area that is used again and
 * again. What is read elsewhere is a copy more, and garbage outside of the heap, which makes V8 collect all of the heap.
 *
 * Owned by a connection, from the first large piece of a body on. The area goes back when the body ends or becomes slow.
 */
export class BodyRoom {
  area: ReadArea | undefined;
  #isFast = false;
  #asked = 0;

  /** So many bytes were read. */
  read(bytes: number): void {
    this.#isFast = bytes >= LARGE_BODY_CHUNK || bytes === this.#asked;
    this.#asked = 0;
  }

  /**
   * Where to read next. `remaining`: bytes of the body still to come, 0 or less when not known. `credit`: bytes that may be passed
   * on, undefined while bytes wait for some: then nothing is read before they have left.
   */
  next(remaining: number, credit: number | undefined): Buffer | undefined {
    // Credit comes back in large pieces; and when it does, the next read has its place already.
    const most = Math.min(credit ?? LARGE_BODY_CHUNK, remaining);
    if (!this.#isFast || remaining <= 0) return this.#giveBack();
    if (this.area === undefined && most < LARGE_BODY_CHUNK) return undefined;
    this.area ??= spare.pop() ?? new ReadArea(AREA_BYTES);
    // Without credit only so much as tells that the client goes on, or away: what lies beyond would keep the area.
    const room = most < LEAST_ROOM_BYTES ? Buffer.allocUnsafe(BYTES_WITHOUT_CREDIT) : this.area.roomFor(most);
    this.#asked = room.length;
    return room;
  }

  #giveBack(): undefined {
    if (this.area !== undefined && spare.length < MAX_SPARE) spare.push(this.area);
    this.area = undefined;
    return undefined;
  }
}

/** A client that sends so much at once sends fast. */
export const LARGE_BODY_CHUNK = 32 * 1024;
/** Smaller pieces of a body are copied: that costs less than a place of their own. */
export const LEAST_ROOM_BYTES = 4 * 1024;
/** Read although nobody takes it yet. */
const BYTES_WITHOUT_CREDIT = 1024;
/** Most bytes of a read; so much a connection holds while a large body comes fast, within the window of an exchange. */
const AREA_BYTES = 128 * 1024;
/** Areas for the next large bodies, of any connection. */
const spare: ReadArea[] = [];
const MAX_SPARE = 8;
