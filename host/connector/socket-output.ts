import { Socket } from 'node:net';

/** More buffered bytes than this: the writer shall stop. */
const HIGH_WATER_BYTES = 128 * 1024;
/** So few buffered bytes: the writer may go on. */
const LOW_WATER_BYTES = 32 * 1024;
/** Handed to the socket at once. */
const BATCH_BYTES = 256 * 1024;
/** The same for TLS: small enough to see whether a slow client makes progress. */
const TLS_BATCH_BYTES = 64 * 1024;
/** Larger pieces are sent as they are instead of being copied. */
const COPY_BYTES = 8 * 1024;
const SLAB_BYTES = 64 * 1024;

/**
 * The sending half of one connection. Owned by the connection, lives as long as the socket.
 *
 * Small pieces are written into a slab shared by all connections and leave as one `socket.write`: at once, or when
 * `release` or the end of the event-loop turn comes. When the kernel has taken them at once, which is the common
 * case, the room in the slab is used again; so a response costs no allocation. What a slow client does not take
 * waits in a queue here, and `isFull` tells writers to stop.
 */
export class SocketOutput {
  /** Called when the output was full and is so no longer. */
  onDrain: (() => void) | undefined;

  private readonly socket: Socket;
  private pendingBytes: Buffer = slab;
  private pendingStart = 0;
  private pendingEnd = 0;
  private isHeld = false;
  private isTickScheduled = false;
  private readonly queue: Uint8Array[] = [];
  private queuedBytes = 0;
  private sentBytes = 0;
  private wasFull = false;
  private isEnding = false;
  private isDestroying = false;
  private isFinished = false;
  private callbacksDue = 0;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  /** Bytes accepted here that the kernel has not taken yet. */
  get bufferedBytes(): number {
    return this.pendingEnd - this.pendingStart + this.queuedBytes + this.socket.writableLength;
  }

  /** Grows whenever the system takes something for the client. */
  get progress(): number {
    const { socket } = this;
    // Node counts a write as a whole until its last byte is gone; how much of it is left, the handle knows.
    const left = isPlain(socket) ? socket._handle?.writeQueueSize : undefined;
    return this.sentBytes - Math.min(socket.writableLength, left ?? Number.POSITIVE_INFINITY);
  }

  /** True while pieces given to `append` may wait here or in the socket. */
  get isHolding(): boolean {
    return this.queue.length > 0 || this.socket.writableLength > 0;
  }

  /** True when a writer shall wait for `onDrain`. */
  get isFull(): boolean {
    if (this.bufferedBytes < HIGH_WATER_BYTES) return false;
    this.wasFull = true;
    return true;
  }

  /**
   * Makes room for `size` bytes and gives the buffer to write into, from `position` on. Nothing else may happen
   * until `close` is called with the end of what was written.
   */
  open(size: number): Buffer {
    if (slab.length - slabPosition < size) {
      slab = Buffer.allocUnsafeSlow(Math.max(size, SLAB_BYTES));
      slabPosition = 0;
    }
    return slab;
  }

  /** Where to write in the buffer that `open` gave. */
  get position(): number {
    return slabPosition;
  }

  /** Accepts the bytes written since `open`, up to `end`. */
  close(end: number): void {
    if (
      this.pendingEnd > this.pendingStart &&
      this.pendingBytes === slab &&
      this.pendingEnd === slabPosition
    ) {
      this.pendingEnd = end;
    } else {
      this.settlePending();
      this.pendingBytes = slab;
      this.pendingStart = slabPosition;
      this.pendingEnd = end;
    }
    slabPosition = end;
  }

  /** Adds bytes: copies few, keeps many. */
  append(bytes: Uint8Array): void {
    const size = bytes.length;
    if (size <= COPY_BYTES) {
      const target = this.open(size);
      target.set(bytes, slabPosition);
      this.close(slabPosition + size);
    } else {
      this.settlePending();
      this.enqueue(bytes);
    }
  }

  /** Collects what comes until `release`. */
  hold(): void {
    this.isHeld = true;
  }

  release(): void {
    this.isHeld = false;
    if (!this.isTickScheduled) this.flush();
  }

  /** Sends what has been collected, unless it is held. */
  flushUnlessHeld(): void {
    if (!this.isHeld) this.flush();
  }

  /** Sends what has been collected at the end of this turn of the event loop. */
  flushLater(): void {
    if (this.isTickScheduled) return;
    this.isTickScheduled = true;
    process.nextTick(SocketOutput.flushScheduled, this);
  }

  flush(): void {
    const { socket, pendingStart, pendingEnd } = this;
    if (this.queue.length === 0 && pendingEnd - pendingStart <= BATCH_BYTES && socket.writableLength === 0) {
      if (pendingEnd > pendingStart) {
        const bytes = this.pendingBytes;
        this.pendingStart = this.pendingEnd = 0;
        const view = bytes.subarray(pendingStart, pendingEnd);
        this.sentBytes += view.length;
        // The callback costs; it is needed only when somebody waits.
        if (this.wasFull) this.writeCounted(view);
        else socket.write(view);
        // The kernel has it all: nobody needs these bytes any more.
        if (bytes === slab && pendingEnd === slabPosition && socket.writableLength === 0)
          slabPosition = pendingStart;
      }
    } else {
      this.settlePending();
      this.pump();
    }
    if (this.isEnding || this.isDestroying) this.finishIfEmpty();
  }

  /** Sends everything, then closes our direction. */
  end(): void {
    this.isEnding = true;
    this.flush();
  }

  /** Sends everything, then closes both directions. */
  destroySoon(): void {
    this.isDestroying = true;
    this.flush();
  }

  private static flushScheduled(this: void, output: SocketOutput): void {
    output.isTickScheduled = false;
    if (!output.isHeld) output.flush();
  }

  private finishIfEmpty(): void {
    if (this.queue.length > 0 || this.isFinished) return;
    this.isFinished = true;
    if (this.isDestroying) this.socket.destroySoon();
    else if (!this.socket.writableEnded) this.socket.end();
  }

  /** Moves the collected bytes to the queue. */
  private settlePending(): void {
    if (this.pendingEnd === this.pendingStart) return;
    this.enqueue(this.pendingBytes.subarray(this.pendingStart, this.pendingEnd));
    this.pendingStart = this.pendingEnd = 0;
  }

  private enqueue(bytes: Uint8Array): void {
    this.queue.push(bytes);
    this.queuedBytes += bytes.length;
  }

  /**
   * Gives the socket one batch after the other, as long as it takes each at once. While something waits, at least
   * one write with a callback is on its way, which pumps on.
   */
  private pump(): void {
    const { socket, queue } = this;
    const batchBytes = isPlain(socket) ? BATCH_BYTES : TLS_BATCH_BYTES;
    while (
      queue.length > 0 &&
      (socket.writableLength === 0 || this.callbacksDue === 0) &&
      !socket.destroyed
    ) {
      let taken = 0;
      let room = batchBytes;
      socket.cork();
      while (taken < queue.length && room > 0) {
        let piece = queue[taken] as Uint8Array;
        if (piece.length > room) {
          queue[taken] = piece.subarray(room);
          piece = piece.subarray(0, room);
        } else {
          taken++;
        }
        room -= piece.length;
        this.queuedBytes -= piece.length;
        this.sentBytes += piece.length;
        // One callback tells of them all.
        if (room > 0 && taken < queue.length) socket.write(piece);
        else this.writeCounted(piece);
      }
      if (taken === queue.length) queue.length = 0;
      else queue.splice(0, taken);
      socket.uncork();
    }
  }

  private writeCounted(bytes: Uint8Array): void {
    this.callbacksDue++;
    this.socket.write(bytes, this.onWritten);
  }

  private readonly onWritten = (): void => {
    this.callbacksDue--;
    if (this.queue.length > 0) this.pump();
    if (this.wasFull && this.bufferedBytes <= LOW_WATER_BYTES) {
      this.wasFull = false;
      this.onDrain?.();
    }
    if (this.isEnding || this.isDestroying) this.finishIfEmpty();
  };
}

/** A socket whose handle writes to the system, not to TLS. `_handle` is an inner name of `node:net`. */
function isPlain(
  socket: Socket,
): socket is Socket & { readonly _handle?: { readonly writeQueueSize?: number } | null } {
  return Object.getPrototypeOf(socket) === Socket.prototype;
}

let slab: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
let slabPosition = 0;
