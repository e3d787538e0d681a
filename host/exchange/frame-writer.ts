import type { Socket } from 'node:net';
import { HEADER_BYTES, writeHeader } from './frame.js';
import { letLeave, takeLeft } from './leaving-memory.js';
import { SendMark } from './send-mark.js';

/** Size of the blocks that frames are collected in, and of those for large frames. */
const BLOCK_BYTES = 64 * 1024;
const LARGE_BLOCK_BYTES = 256 * 1024;
/** A body chunk of this size or more is sent as it lies instead of being copied into the block. */
const REFERENCE_BYTES = 16 * 1024;
/** So many frames leave before the turn ends: the peer, on another core, works on them meanwhile. */
const BATCH_FRAMES = 16;
/** A frame that has waited so long in its turn leaves with the next one: an answer does not wait for slow others. */
const BATCH_MS = 1;
/** So many bytes leave at once: memory that was read into can then be used for the next read. */
const BATCH_BYTES = 32 * 1024;
/** Unsent bytes from which on body bytes wait in their exchange instead of joining the socket's queue. */
const HIGH_WATER_BYTES = 1024 * 1024;

/**
 * Collects the frames of one event-loop turn and hands them to the socket in one write (one `writev` when large
 * chunks are among them); in several when they are many or the turn is long, so that the two processes work side by
 * side and not in turns. Owned by one connection. Blocks are filled again only when the kernel has taken their bytes.
 */
export class FrameWriter {
  /** The block that the next frame goes into; a codec writes behind `room()`. */
  bytes: Buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  /** How often bytes were handed to the socket. */
  writeCount = 0;
  /** Bytes of all frames there ever were. */
  givenBytes = 0;
  private readonly socket: Socket;
  private readonly onFlushed: () => void;
  private readonly flushLater: () => void;
  private position = 0;
  private start = 0;
  private segments: Uint8Array[] = [];
  private segmentBytes = 0;
  private isScheduled = false;
  private isClosed = false;
  /** Frames collected since the last write, and when the first of them was. */
  private frames = 0;
  private collectedAt = 0;

  /** `onFlushed` is called at the end of every turn with a write; the socket has taken the bytes or queued them. */
  constructor(socket: Socket, onFlushed: () => void) {
    this.socket = socket;
    this.onFlushed = onFlushed;
    this.flushLater = () => {
      this.isScheduled = false;
      this.flush();
    };
  }

  /** Bytes of frames that the kernel has taken, or that never will be sent. */
  get sentBytes(): number {
    return this.givenBytes - this.unsentBytes;
  }

  /** Bytes not yet taken by the kernel. */
  get unsentBytes(): number {
    return this.position - this.start + this.segmentBytes + this.socket.writableLength;
  }

  /** True when body bytes should wait. */
  get isCongested(): boolean {
    return this.unsentBytes >= HIGH_WATER_BYTES;
  }

  /** Makes room for a frame of at most `payloadBytes`; returns where its payload begins in `bytes`. */
  room(payloadBytes: number): number {
    if (this.bytes.length - this.position < payloadBytes + HEADER_BYTES) this.renew(payloadBytes);
    return this.position + HEADER_BYTES;
  }

  /** True while chunks given to `frame` are not all with the kernel. */
  get isHolding(): boolean {
    return this.segments.length > 0 || this.socket.writableLength > 0;
  }

  /** Completes the frame whose payload was written at `room()`. Until then nothing of it is sent. */
  commit(length: number, type: number, flags: number, generation: number, id: number): void {
    this.append(length, type, flags, generation, id);
    this.schedule();
  }

  /** The same when another frame follows at once behind it, for which `room` was asked together with this one. */
  append(length: number, type: number, flags: number, generation: number, id: number): void {
    writeHeader(this.bytes, this.position, length, type, flags, generation, id);
    this.position += HEADER_BYTES + length;
    this.givenBytes += HEADER_BYTES + length;
  }

  /** A frame whose payload is `chunk`. The chunk must not be changed afterwards. */
  frame(chunk: Uint8Array, type: number, flags: number, generation: number, id: number): void {
    const { length } = chunk;
    if (length < REFERENCE_BYTES) {
      const at = this.room(length);
      this.bytes.set(chunk, at);
      this.commit(length, type, flags, generation, id);
      return;
    }
    this.room(0);
    writeHeader(this.bytes, this.position, length, type, flags, generation, id);
    this.position += HEADER_BYTES;
    this.cut();
    this.segments.push(chunk);
    this.segmentBytes += length;
    this.givenBytes += HEADER_BYTES + length;
    this.schedule();
  }

  /** Writes now what was collected. */
  flush(): void {
    if (this.isClosed) return;
    if (this.frames > 0) this.write();
    this.onFlushed();
  }

  /** Hands over what was collected. Who waits for that is told later, by `flush`: a frame may be in the making. */
  private write(): void {
    const { socket, segments } = this;
    this.writeCount++;
    this.frames = 0;
    if (segments.length === 0) {
      socket.write(this.bytes.subarray(this.start, this.position));
    } else {
      this.cut();
      socket.cork();
      for (const segment of segments) socket.write(segment);
      socket.uncork();
      this.segments = [];
      this.segmentBytes = 0;
    }
    // An empty queue means that the kernel has taken all: the block can be filled anew.
    if (socket.writableLength === 0) this.position = 0;
    this.start = this.position;
  }

  /** Nothing is written any more. */
  close(): void {
    this.isClosed = true;
    // The old block may still lie in the socket's queue.
    this.bytes = Buffer.alloc(0);
    this.segments = [];
    this.segmentBytes = 0;
    this.frames = 0;
    this.position = 0;
    this.start = 0;
  }

  private schedule(): void {
    if (this.isClosed) return;
    const now = performance.now();
    if (this.frames === 0) this.collectedAt = now;
    const collected = this.position - this.start + this.segmentBytes;
    if (++this.frames >= BATCH_FRAMES || collected >= BATCH_BYTES || now - this.collectedAt >= BATCH_MS)
      this.write();
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(this.flushLater);
  }

  private renew(payloadBytes: number): void {
    this.cut();
    if (this.bytes.length === LARGE_BLOCK_BYTES) letLeave(this.bytes, [SendMark.given(this)]);
    const size = payloadBytes + HEADER_BYTES;
    if (size > LARGE_BLOCK_BYTES) this.bytes = Buffer.allocUnsafeSlow(size);
    else this.bytes = size > BLOCK_BYTES ? takeLeft(LARGE_BLOCK_BYTES) : Buffer.allocUnsafeSlow(BLOCK_BYTES);
    this.position = 0;
    this.start = 0;
  }

  /** Closes the part of the block collected so far, so that something else can follow it. */
  private cut(): void {
    if (this.position === this.start) return;
    this.segments.push(this.bytes.subarray(this.start, this.position));
    this.segmentBytes += this.position - this.start;
    this.start = this.position;
  }
}
