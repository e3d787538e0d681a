import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { closeFrame, FrameTracker } from '#host/runtime/process/frame-tracker.js';

function frame(opcode: number, length: number, isMasked: boolean): Buffer {
  const mask = isMasked ? 0x80 : 0;
  const header =
    length < 126
      ? [0x80 | opcode, mask | length]
      : length < 65536
        ? [opcode, mask | 126, length >> 8, length & 0xff]
        : [opcode, mask | 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 0xff, length & 0xff];
  return Buffer.concat([Buffer.from(header), Buffer.alloc(isMasked ? 4 : 0, 9), Buffer.alloc(length, 0x88)]);
}

const frames = fc.array(
  fc.record({
    opcode: fc.constantFrom(0, 1, 2, 9, 10),
    length: fc.constantFrom(0, 1, 125, 126, 127, 300, 65535, 65536, 70000),
    isMasked: fc.boolean(),
  }),
  { minLength: 1, maxLength: 5 },
);

describe('FrameTracker', () => {
  it('knows the end of each frame, however the bytes are cut', () => {
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 40000 }), { minLength: 1 }), (specs, cuts) => {
        const parts = specs.map((spec) => frame(spec.opcode, spec.length, spec.isMasked));
        const ends = new Set<number>();
        parts.reduce((sum, part) => {
          ends.add(sum + part.length);
          return sum + part.length;
        }, 0);
        const bytes = Buffer.concat(parts);
        const tracker = new FrameTracker();
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const next = Math.min(bytes.length, at + (cuts[i % cuts.length] as number));
          tracker.follow(bytes.subarray(at, next));
          at = next;
          expect(tracker.isAtBoundary).toBe(ends.has(at));
        }
        expect(tracker.hasSeenClose).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it('tells where the frame in progress ends', () => {
    const tracker = new FrameTracker();
    expect(tracker.finishFrame(frame(1, 5, false))).toBe(0);
    const bytes = Buffer.concat([frame(2, 300, false), frame(1, 7, false)]);
    tracker.follow(bytes.subarray(0, 3));
    expect(tracker.finishFrame(bytes.subarray(3, 100))).toBe(97);
    expect(tracker.isAtBoundary).toBe(false);
    expect(tracker.finishFrame(bytes.subarray(100))).toBe(304 - 100);
    expect(tracker.isAtBoundary).toBe(true);
  });

  it('sees a whole close frame, masked or not, with or without a reason', () => {
    for (const close of [frame(8, 0, false), frame(8, 2, true), closeFrame(1001, 'bye')]) {
      const tracker = new FrameTracker();
      tracker.follow(frame(1, 3, true));
      tracker.follow(close.subarray(0, -1));
      expect(tracker.hasSeenClose).toBe(false);
      tracker.follow(close.subarray(-1));
      expect(tracker.hasSeenClose).toBe(true);
    }
  });

  it('makes a close frame with code 1001', () => {
    expect(closeFrame(1001, 'x').toString('hex')).toBe('880303e978');
    expect(closeFrame(1012, 'x').toString('hex')).toBe('880303f478');
    expect(closeFrame(1001, 'r'.repeat(500)).length).toBe(127);
  });
});
