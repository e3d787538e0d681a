import { describe, expect, it } from '@jest/globals';
import { USED_UP } from '#host/exchange/exchange.js';
import { freeBytes, ReadArea } from '#host/exchange/read-area.js';
import { SendMark } from '#host/exchange/send-mark.js';

const KIB = 1024;

/** As a socket does it: fills the beginning of the room. */
function readInto(area: ReadArea, size: number, byte: number): Buffer {
  return area.room.subarray(0, size).fill(byte);
}

class Line {
  givenBytes = 0;
  sentBytes: number;

  constructor(sentBytes = 0) {
    this.sentBytes = sentBytes;
  }
}

/** Of the bytes in front of `position`. */
function markOf(line: Line, position: number): SendMark {
  line.givenBytes = position;
  return SendMark.given(line);
}

describe('ReadArea', () => {
  it('gives the same memory as long as nobody needs what was in it', () => {
    const area = new ReadArea(128 * KIB);
    const first = readInto(area, 100, 1);
    const second = readInto(area, 50, 2);
    expect(area.lends(first) && area.lends(second)).toBe(true);
    expect(second.byteOffset).toBe(first.byteOffset);
    expect(area.lends(Buffer.alloc(100))).toBe(false);
  });

  it('never writes again what is kept, and has room all the same', () => {
    const area = new ReadArea(128 * KIB);
    const kept: Buffer[] = [];
    for (let byte = 1; byte <= 20; byte++) {
      expect(area.room.length).toBeGreaterThanOrEqual(32 * KIB);
      const chunk = readInto(area, 20 * KIB, byte);
      if (byte % 3 === 0) continue;
      kept.push(chunk);
      area.keep(chunk);
    }
    for (const chunk of kept) expect(chunk.equals(Buffer.alloc(chunk.length, chunk[0]))).toBe(true);
    expect(new Set(kept.map(([byte]) => byte)).size).toBe(kept.length);
  });

  /** Fills memory of a size of its own, so that no other test's can come back; every chunk departs by `line`. */
  function fill(area: ReadArea, line: Line, position: number): ArrayBufferLike {
    const chunk = readInto(area, area.room.length, 1);
    area.departs(markOf(line, position), chunk.length);
    area.keep(chunk);
    return chunk.buffer;
  }

  it('reads again into memory whose bytes have left, and not before', () => {
    const area = new ReadArea(96 * KIB);
    const line = new Line();
    const first = fill(area, line, 100);
    const second = fill(area, line, 200);
    expect(second).not.toBe(first);
    line.sentBytes = 99;
    const third = fill(area, line, 300);
    expect([first, second]).not.toContain(third);
    line.sentBytes = 100;
    fill(area, line, 400);
    expect(area.room.buffer).toBe(first);
  });

  it('waits for each line by which bytes of it depart', () => {
    const area = new ReadArea(97 * KIB);
    const [fast, slow] = [new Line(), new Line()];
    const chunk = readInto(area, area.room.length, 1);
    area.departs(markOf(slow, 10), 1000);
    area.departs(markOf(fast, 10), chunk.length - 1000);
    area.keep(chunk);
    fast.sentBytes = 10;
    expect(fill(area, new Line(), 1)).not.toBe(chunk.buffer);
    expect(area.room.buffer).not.toBe(chunk.buffer);
    slow.sentBytes = 10;
    fill(area, new Line(), 1);
    expect(area.room.buffer).toBe(chunk.buffer);
  });

  it('never reads again into memory of which somebody needs a part', () => {
    const area = new ReadArea(98 * KIB);
    const line = new Line(1000);
    const seen = new Set<ArrayBufferLike>();
    for (let i = 0; i < 40; i++) {
      const chunk = readInto(area, area.room.length, 1);
      area.departs(markOf(line, 1), chunk.length - 1);
      area.keep(chunk);
      expect(seen.has(chunk.buffer)).toBe(false);
      seen.add(chunk.buffer);
    }
  });

  it('is told by the answers of listeners', () => {
    const area = new ReadArea(99 * KIB);
    const line = new Line();
    const chunk = readInto(area, area.room.length, 1);
    const free = freeBytes(USED_UP, 1000, area) + freeBytes(markOf(line, 5), chunk.length - 1000, area);
    expect(free).toBe(1000);
    area.keep(chunk, free);
    line.sentBytes = 5;
    const other = readInto(area, area.room.length, 1);
    // `true` and nothing are no such answers: somebody may need the bytes.
    expect(freeBytes(true, other.length, area) + freeBytes(undefined, other.length, area)).toBe(0);
    area.keep(other, 0);
    expect(area.room.buffer).toBe(chunk.buffer);
    readInto(area, area.room.length, 1);
    fill(area, line, 5);
    expect(area.room.buffer).not.toBe(other.buffer);
  });

  it('waits for bytes that have not reached their line, whatever follows them', () => {
    const area = new ReadArea(100 * KIB);
    const line = new Line();
    const chunk = readInto(area, area.room.length, 1);
    const waiting = SendMark.waiting(line);
    area.departs(waiting, 1000);
    area.departs(waiting, 1000);
    area.departs(SendMark.waiting(line), 1000);
    area.departs(markOf(line, 10), chunk.length - 3000);
    area.keep(chunk);
    line.sentBytes = 10;
    fill(area, new Line(), 1);
    expect(area.room.buffer).not.toBe(chunk.buffer);
    waiting.reachLine();
    fill(area, new Line(), 1);
    // The other one still waits.
    expect(area.room.buffer).not.toBe(chunk.buffer);
  });
});
