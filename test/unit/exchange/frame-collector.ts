import { FrameType } from '#host/exchange/frame.js';
import type { FrameSink } from '#host/exchange/frame-reader.js';

export interface CollectedFrame {
  readonly type: number;
  readonly flags: number;
  readonly generation: number;
  readonly id: number;
  readonly payload: Buffer;
}

/** Keeps every frame a FrameReader gives, DATA put together again. */
export class FrameCollector implements FrameSink {
  isClosed = false;
  maxPayloadBytes = 128 * 1024;
  readonly frames: CollectedFrame[] = [];
  private pieces: Buffer[] = [];
  private data: Omit<CollectedFrame, 'payload'> = { type: FrameType.DATA, flags: 0, generation: 0, id: 0 };

  frame(
    type: number,
    flags: number,
    generation: number,
    id: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    this.frames.push({ type, flags, generation, id, payload: bytes.subarray(start, end) });
  }

  dataBegins(flags: number, generation: number, id: number): void {
    this.data = { type: FrameType.DATA, flags, generation, id };
    this.pieces = [];
  }

  dataPiece(bytes: Buffer, start: number, end: number): boolean {
    this.pieces.push(bytes.subarray(start, end));
    return false;
  }

  dataEnds(): void {
    this.frames.push({ ...this.data, payload: Buffer.concat(this.pieces) });
  }
}
