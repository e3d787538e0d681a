import { describe, expect, it } from '@jest/globals';
import { ReadArea } from '#host/exchange/read-area.js';

const KIB = 1024;

/** As a socket does it: fills the beginning of the room. */
function readInto(area: ReadArea, size: number, byte: number): Buffer {
  return area.room.subarray(0, size).fill(byte);
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
});
