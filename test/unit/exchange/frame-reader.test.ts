import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FrameType, HEADER_BYTES, ProtocolViolation, writeHeader } from '#host/exchange/frame.js';
import { FrameReader } from '#host/exchange/frame-reader.js';
import { type CollectedFrame, FrameCollector } from './frame-collector.js';

const anyFrame = fc.record({
  type: fc.constantFrom(...Object.values(FrameType)),
  flags: fc.integer({ min: 0, max: 255 }),
  generation: fc.integer({ min: 0, max: 255 }),
  id: fc.integer({ min: 0, max: 65_535 }),
  payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
});

describe('FrameReader', () => {
  it('gives the same frames however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(anyFrame, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 40 })),
        (frames, cuts) => {
          expect(read(Buffer.concat(frames.map(encode)), cuts)).toEqual(frames);
        },
      ),
    );
  });

  it('skips a cut frame of the ignorable range without keeping it', () => {
    const ignored = { type: 0x90, flags: 0, generation: 0, id: 0, payload: Buffer.alloc(100_000) };
    const ping = { type: FrameType.PING, flags: 0, generation: 0, id: 0, payload: Buffer.alloc(8) };
    expect(read(Buffer.concat([encode(ignored), encode(ping)]), [50_000, 50_000, 1, 9])).toEqual([ping]);
  });

  it('hands on DATA and whole frames without a copy', () => {
    const chunk = Buffer.concat([
      encode({ type: FrameType.DATA, flags: 0, generation: 0, id: 0, payload: Buffer.from('body') }),
      encode({ type: FrameType.END, flags: 0, generation: 0, id: 0, payload: Buffer.from('ab') }),
    ]);
    const seen: Buffer[] = [];
    class Sink extends FrameCollector {
      override frame(...args: Parameters<FrameCollector['frame']>): void {
        seen.push(args[4]);
      }
      override dataPiece(bytes: Buffer): boolean {
        seen.push(bytes);
        return false;
      }
    }
    new FrameReader(new Sink()).push(chunk);
    expect(seen).toHaveLength(2);
    expect(seen.every((bytes) => bytes === chunk)).toBe(true);
  });

  it('needs nothing of a lent chunk but the pieces of DATA that are kept', () => {
    const frames = fc.array(
      fc.record({ isData: fc.boolean(), size: fc.integer({ min: 0, max: 100_000 }), isKept: fc.boolean() }),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(frames, fc.array(fc.integer({ min: 1, max: 120_000 })), (plan, cuts) => {
        const sent = plan.map(({ isData, size }, id) => ({
          type: isData ? FrameType.DATA : FrameType.RESPONSE,
          flags: 0,
          generation: 0,
          id,
          payload: Buffer.alloc(size, id + 1),
        }));
        class Sink extends FrameCollector {
          id = 0;
          override dataBegins(flags: number, generation: number, id: number): void {
            this.id = id;
            super.dataBegins(flags, generation, id);
          }
          override dataPiece(bytes: Buffer, start: number, end: number): boolean {
            const isFree = plan[this.id]?.isKept !== true;
            if (isFree) super.dataPiece(Buffer.from(bytes.subarray(start, end)), 0, end - start);
            else super.dataPiece(bytes, start, end);
            return isFree;
          }
        }
        const sink = new Sink();
        const reader = new FrameReader(sink);
        const bytes = Buffer.concat(sent.map(encode));
        for (let at = 0, cut = 0; at < bytes.length; ) {
          const chunk = Buffer.from(bytes.subarray(at, at + (cuts[cut++] ?? bytes.length)));
          at += chunk.length;
          if (reader.push(chunk, true)) chunk.fill(0xee);
        }
        expect(sink.frames.map(({ id, payload }) => [id, payload.length])).toEqual(
          sent.map(({ id, payload }) => [id, payload.length]),
        );
        expect(
          sink.frames.every(({ payload }, at) => payload.equals((sent[at] as CollectedFrame).payload)),
        ).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('refuses a length above the limit by its header alone', () => {
    const collector = new FrameCollector();
    collector.maxPayloadBytes = 10;
    const header = Buffer.alloc(HEADER_BYTES);
    writeHeader(header, 0, 11, FrameType.END, 0, 0, 0);
    expect(() => new FrameReader(collector).push(header)).toThrow(ProtocolViolation);
  });

  it('stops in the middle of a chunk when its sink closes', () => {
    const one = encode({ type: FrameType.END, flags: 0, generation: 0, id: 1, payload: Buffer.alloc(0) });
    class Sink extends FrameCollector {
      override frame(...args: Parameters<FrameCollector['frame']>): void {
        super.frame(...args);
        this.isClosed = true;
      }
    }
    const sink = new Sink();
    new FrameReader(sink).push(Buffer.concat([one, one]));
    expect(sink.frames).toHaveLength(1);
  });
});

function encode({ type, flags, generation, id, payload }: CollectedFrame): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  writeHeader(header, 0, payload.length, type, flags, generation, id);
  return Buffer.concat([header, payload]);
}

function read(bytes: Buffer, cuts: readonly number[]): CollectedFrame[] {
  const collector = new FrameCollector();
  const reader = new FrameReader(collector);
  let at = 0;
  for (const size of cuts) {
    reader.push(bytes.subarray(at, at + size));
    at += size;
  }
  reader.push(bytes.subarray(at));
  return collector.frames;
}
