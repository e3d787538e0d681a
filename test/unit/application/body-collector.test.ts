import { describe, expect, it } from '@jest/globals';
import { BodyCollector } from '#host/application/body-collector.js';

function bytes(size: number, seed = 0): Buffer {
  return Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * 31 + seed) % 256));
}

/** What comes out when these bytes come in pieces of `step`. */
function collected(all: Buffer, step: number, expected: number | undefined): Buffer {
  const collector = new BodyCollector(expected);
  for (let i = 0; i < all.length; i += step) collector.add(all.subarray(i, i + step));
  expect(collector.size).toBe(all.length);
  return collector.take();
}

describe('BodyCollector', () => {
  it('gives a body that came whole as it came', () => {
    const chunk = bytes(10);
    const collector = new BodyCollector(10);
    collector.add(chunk);
    expect(collector.take()).toBe(chunk);
  });

  it('gives an empty body', () => {
    expect(new BodyCollector(0).take()).toHaveLength(0);
    expect(new BodyCollector(undefined).take()).toHaveLength(0);
  });

  it('takes what was put into its room as it is, and copies what was not', () => {
    const all = bytes(2 * 1024 * 1024 + 10);
    const collector = new BodyCollector(all.length);
    expect(collector.room).toBeUndefined();
    collector.add(all.subarray(0, 1000));
    let isInPlace = true;
    for (let at = 1000; at < all.length; isInPlace = !isInPlace) {
      const { room } = collector;
      const size = Math.min(room?.length ?? 0, 70_001);
      expect(size).toBeGreaterThan(0);
      const chunk = all.subarray(at, at + size);
      if (isInPlace) {
        chunk.copy(room as Buffer);
        // As a connection that has no credit for all at once.
        collector.add((room as Buffer).subarray(0, 5));
        collector.add((room as Buffer).subarray(5, size));
      } else collector.add(chunk);
      at += size;
    }
    expect(collector.room).toBeUndefined();
    expect(collector.take().equals(all)).toBe(true);
  });

  it.each([
    ['of known length', 1000, 7, 1000],
    ['of unknown length', 1000, 7, undefined],
    ['of more than one block', 3 * 1024 * 1024 + 5, 70_001, 3 * 1024 * 1024 + 5],
    ['of exactly one block', 1024 * 1024, 65_536, 1024 * 1024],
    ['that is shorter than was said', 1000, 300, 5000],
    ['that is longer than was said', 1000, 300, 700],
  ])('puts a body %s together', (_, size, step, expected) => {
    const all = bytes(size);
    expect(collected(all, step, expected).equals(all)).toBe(true);
  });
});
