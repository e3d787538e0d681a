import { PorticoError } from '../errors.js';
import type { FieldBlock, Fields } from '../http/field-block.js';
import { AbortReason, USED_UP } from './exchange.js';
import { countOf } from './field-codec.js';
import { FLAG_END, FrameType, MAX_PAYLOAD_BYTES, ProtocolViolation, writeU32 } from './frame.js';
import type { FrameWriter } from './frame-writer.js';
import { sizeOfTrailers, writeTrailers } from './response-codec.js';
import { SendMark } from './send-mark.js';

/** What an exchange needs of its connection. */
export interface StreamHost {
  readonly writer: FrameWriter;
  /** Body bytes this end accepts per exchange, and those the peer accepts. */
  readonly receiveWindow: number;
  readonly sendWindow: number;
  /** Calls `stream.resume()` once the socket has room again. */
  block(stream: ExchangeStream): void;
  /** Both directions are closed; the id may be used anew. */
  release(stream: ExchangeStream): void;
}

/** This end sent END or ABORT. */
export const LOCAL_CLOSED = 1;
/** The peer sent END or ABORT. */
export const REMOTE_CLOSED = 2;
/** Aborted by either side: the listener hears nothing any more. */
export const ABORTED = 4;
/** The response head was sent or received. */
export const HEAD_DONE = 8;
/** 101 was answered: no trailers any more. */
export const TUNNEL = 16;
/** This end has given all, and it is not all sent. */
export const END_QUEUED = 32;
const WANTS_DRAIN = 64;
const IS_BLOCKED = 128;
const BOTH_CLOSED = LOCAL_CLOSED | REMOTE_CLOSED;

/**
 * One exchange on a connection, the same for both ends: two directions of body bytes, each with its window, and the
 * way both are closed. State machine and rules are in `README.md`. Owned by its connection, which calls the
 * `receive…` methods; a subclass gives it the face that the front or the application sees.
 */
export abstract class ExchangeStream {
  readonly id: number;
  readonly generation: number;
  protected readonly host: StreamHost;
  protected state = 0;
  /** Bytes that may still be sent. */
  private sendCredit: number;
  /** Bytes the peer may still send; `held` of them lie with the listener, `used` wait to be returned. */
  private receiveCredit: number;
  private held = 0;
  private used = 0;
  private queue: Uint8Array[] | undefined = undefined;
  /** Of what is in the queue, when somebody has asked. */
  private waiting: SendMark | undefined = undefined;
  private trailers: Fields | undefined = undefined;

  protected constructor(host: StreamHost, id: number, generation: number) {
    this.host = host;
    this.id = id;
    this.generation = generation;
    this.sendCredit = host.sendWindow;
    this.receiveCredit = host.receiveWindow;
  }

  /** True until this direction was ended or the exchange aborted. */
  protected get canSend(): boolean {
    return (this.state & (LOCAL_CLOSED | END_QUEUED)) === 0;
  }

  get isAborted(): boolean {
    return (this.state & ABORTED) !== 0;
  }

  /** True while body bytes that were to be sent wait here or for the socket: their memory is in use. */
  get isHolding(): boolean {
    return this.queue !== undefined || this.host.writer.isHolding;
  }

  /** What becomes of the body bytes that were given last. */
  get sendMark(): typeof USED_UP | SendMark {
    const { writer } = this.host;
    if (this.queue !== undefined) {
      this.waiting ??= SendMark.waiting(writer);
      return this.waiting;
    }
    return writer.isHolding ? SendMark.given(writer) : USED_UP;
  }

  /** True when nothing more can happen: the id is free. */
  get isOver(): boolean {
    return (this.state & BOTH_CLOSED) === BOTH_CLOSED;
  }

  // What the face calls.

  protected sendBody(chunk: Uint8Array): boolean {
    this.state &= ~WANTS_DRAIN;
    if (chunk.length > 0) {
      if (this.queue !== undefined) {
        this.queue.push(chunk);
      } else {
        const { writer } = this.host;
        if (chunk.length > this.sendCredit || chunk.length > MAX_PAYLOAD_BYTES || writer.isCongested) {
          this.queue = [chunk];
          this.pump();
        } else {
          this.sendCredit -= chunk.length;
          writer.frame(chunk, FrameType.DATA, 0, this.generation, this.id);
        }
      }
    }
    if (this.queue === undefined && this.sendCredit > 0 && !this.host.writer.isCongested) return true;
    this.state |= WANTS_DRAIN;
    if (this.sendCredit > 0) this.blockUntilDrained();
    return false;
  }

  /** The whole body: the end goes with its last frame. Not empty, and nothing was sent before. */
  protected sendWhole(body: Uint8Array): void {
    this.queue = [body];
    this.state |= END_QUEUED;
    this.pump();
  }

  /** Largest body that may leave as one frame. */
  protected get frameBytes(): number {
    return Math.min(this.sendCredit, MAX_PAYLOAD_BYTES);
  }

  /** The whole body lies in the writer, where its frame goes. At most `frameBytes`, and nothing was sent before. */
  protected sendInPlace(length: number): void {
    this.host.writer.commit(length, FrameType.DATA, FLAG_END, this.generation, this.id);
    this.sendCredit -= length;
    this.localClosed();
  }

  protected sendEnd(trailers: Fields | undefined): void {
    const { writer } = this.host;
    let length = 0;
    // Encoded also when it has to wait, so that a bad trailer is the caller's error.
    if (trailers !== undefined && countOf(trailers) > 0 && (this.state & TUNNEL) === 0) {
      const at = writer.room(sizeOfTrailers(trailers));
      length = writeTrailers(trailers, writer.bytes, at) - at;
    } else writer.room(0);
    if (this.queue !== undefined) {
      this.trailers = trailers;
      this.state |= END_QUEUED;
      return;
    }
    writer.commit(length, FrameType.END, 0, this.generation, this.id);
    this.localClosed();
  }

  /** This end gives up; nothing is heard or sent any more. Harmless when the exchange is over. */
  protected sendAbort(reason: AbortReason): void {
    const { state } = this;
    if ((state & ABORTED) !== 0 || (state & BOTH_CLOSED) === BOTH_CLOSED) return;
    this.state |= ABORTED | LOCAL_CLOSED;
    this.emptied();
    this.writeAbort(reason);
    if ((state & REMOTE_CLOSED) !== 0) this.host.release(this);
  }

  /** The listener is done with `bytes` of what `onData` gave it. */
  protected returnCredit(bytes: number): void {
    if ((this.state & ABORTED) !== 0) return;
    if (!(bytes >= 0 && bytes <= this.held)) {
      throw new PorticoError(
        'PORTICO_EXCHANGE_STATE',
        `consumed(${bytes}) was called on an exchange that holds ${this.held} unconsumed bytes; ` +
          'report each byte given to data() once',
      );
    }
    this.held -= bytes;
    this.used += bytes;
    if (this.used * 2 < this.host.receiveWindow || (this.state & REMOTE_CLOSED) !== 0) return;
    const { writer } = this.host;
    const at = writer.room(4);
    writeU32(writer.bytes, at, this.used);
    writer.commit(4, FrameType.WINDOW, 0, this.generation, this.id);
    this.receiveCredit += this.used;
    this.used = 0;
  }

  // What the connection calls.

  /** The head of a DATA frame. */
  receiveData(length: number): void {
    if ((this.state & REMOTE_CLOSED) !== 0)
      throw new ProtocolViolation(`DATA for exchange ${this.id} after its end`);
    if (length > this.receiveCredit)
      throw new ProtocolViolation(
        `DATA of ${length} bytes for exchange ${this.id}, whose window has ${this.receiveCredit} bytes left`,
      );
    this.receiveCredit -= length;
    this.held += length;
  }

  /** A part of the payload of that DATA frame. True when nobody needs the bytes any more. */
  receivePiece(bytes: Buffer, start: number, end: number): boolean {
    if ((this.state & ABORTED) !== 0) return true;
    try {
      return this.onData(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
    } catch (error) {
      this.callbackThrew(error);
      return false;
    }
  }

  /** The peer's direction ended: END, or a frame with the flag. */
  receiveEnd(trailers: FieldBlock | undefined): void {
    if ((this.state & REMOTE_CLOSED) !== 0) throw new ProtocolViolation(`second end of exchange ${this.id}`);
    if (trailers !== undefined && (this.state & TUNNEL) !== 0)
      throw new ProtocolViolation(`trailers for the tunnel ${this.id}`);
    this.remoteClosed();
    if ((this.state & ABORTED) !== 0) return;
    try {
      this.onEnd(trailers);
    } catch (error) {
      this.callbackThrew(error);
    }
  }

  receiveAbort(reason: AbortReason): void {
    const { state } = this;
    this.state |= BOTH_CLOSED | ABORTED;
    this.emptied();
    // The answer is the last frame of this direction.
    if ((state & LOCAL_CLOSED) === 0) this.writeAbort(reason);
    this.host.release(this);
    if ((state & ABORTED) === 0) this.tellAborted(reason);
  }

  receiveWindow(increment: number): void {
    // Credit may cross the end of this direction; it is of no use then.
    if ((this.state & LOCAL_CLOSED) !== 0) return;
    if (this.sendCredit + increment > this.host.sendWindow)
      throw new ProtocolViolation(
        `WINDOW of ${increment} for exchange ${this.id} returns more than was sent`,
      );
    this.sendCredit += increment;
    if (this.queue !== undefined || (this.state & WANTS_DRAIN) !== 0) this.pump();
  }

  /** The socket has room again. */
  resume(): void {
    this.state &= ~IS_BLOCKED;
    if ((this.state & LOCAL_CLOSED) === 0) this.pump();
  }

  /** The connection is gone. */
  lost(reason: AbortReason): void {
    const { state } = this;
    this.state |= BOTH_CLOSED | ABORTED;
    this.emptied();
    if ((state & ABORTED) === 0) this.tellAborted(reason);
  }

  /** True when nobody needs the bytes any more. */
  protected abstract onData(chunk: Buffer): boolean;
  protected abstract onEnd(trailers: FieldBlock | undefined): void;
  protected abstract onDrain(): void;
  protected abstract onAborted(reason: AbortReason): void;

  /** The peer's direction is closed; the listener is told afterwards, when the id may already be free. */
  protected remoteClosed(): void {
    this.state |= REMOTE_CLOSED;
    if ((this.state & LOCAL_CLOSED) !== 0) this.host.release(this);
  }

  /** The last frame of this direction was written. */
  protected localClosed(): void {
    this.state |= LOCAL_CLOSED;
    if ((this.state & REMOTE_CLOSED) !== 0) this.host.release(this);
  }

  /**
   * A listener threw into the connection's loop: the exchange is given up, the error surfaces as an uncaught
   * exception, the other exchanges of the chunk go on.
   */
  protected callbackThrew(error: unknown): void {
    this.sendAbort(AbortReason.APPLICATION_ERROR);
    process.nextTick(rethrow, error);
  }

  /** All of the queue is in the writer, or will not be sent. */
  private emptied(): void {
    this.queue = undefined;
    this.waiting?.reachLine();
    this.waiting = undefined;
  }

  /** Sends what the windows of exchange and socket allow of the queue. */
  private pump(): void {
    const { writer } = this.host;
    const { queue } = this;
    if (queue !== undefined) {
      let sent = 0;
      while (sent < queue.length && this.sendCredit > 0) {
        if (writer.isCongested) break;
        const chunk = queue[sent] as Uint8Array;
        const size = Math.min(chunk.length, this.sendCredit, MAX_PAYLOAD_BYTES);
        const part = size === chunk.length ? chunk : chunk.subarray(0, size);
        if (size === chunk.length) sent++;
        else queue[sent] = chunk.subarray(size);
        this.sendCredit -= size;
        const isLast =
          sent === queue.length && (this.state & END_QUEUED) !== 0 && this.trailers === undefined;
        writer.frame(part, FrameType.DATA, isLast ? FLAG_END : 0, this.generation, this.id);
        if (!isLast) continue;
        this.emptied();
        this.localClosed();
        return;
      }
      if (sent < queue.length) {
        queue.splice(0, sent);
        if (this.sendCredit > 0) this.blockUntilDrained();
        return;
      }
      this.emptied();
      if ((this.state & END_QUEUED) !== 0) {
        this.sendEnd(this.trailers);
        return;
      }
    }
    if ((this.state & WANTS_DRAIN) === 0 || this.sendCredit === 0) return;
    if (writer.isCongested) {
      this.blockUntilDrained();
      return;
    }
    this.state &= ~WANTS_DRAIN;
    try {
      this.onDrain();
    } catch (error) {
      this.callbackThrew(error);
    }
  }

  protected blockUntilDrained(): void {
    if ((this.state & IS_BLOCKED) !== 0) return;
    this.state |= IS_BLOCKED;
    this.host.block(this);
  }

  private writeAbort(reason: AbortReason): void {
    const { writer } = this.host;
    const at = writer.room(1);
    writer.bytes[at] = reason;
    writer.commit(1, FrameType.ABORT, 0, this.generation, this.id);
  }

  private tellAborted(reason: AbortReason): void {
    try {
      this.onAborted(reason);
    } catch (error) {
      process.nextTick(rethrow, error);
    }
  }
}

function rethrow(error: unknown): never {
  throw error;
}
