import type { Socket } from 'node:net';
import { messageOf, PorticoError } from '../errors.js';
import { AbortReason } from './exchange.js';
import type { ExchangeStream, StreamHost } from './exchange-stream.js';
import {
  FIRST_IGNORABLE_TYPE,
  FLAG_END,
  FrameType,
  MAX_HANDSHAKE_BYTES,
  MAX_PAYLOAD_BYTES,
  nameOfType,
  PING_BYTES,
  ProtocolViolation,
  readU32,
} from './frame.js';
import { FrameReader, type FrameSink } from './frame-reader.js';
import { FrameWriter } from './frame-writer.js';
import { decodeError, encodeError } from './hello.js';
import { ReadArea } from './read-area.js';
import { readTrailers } from './response-codec.js';
import { readFrom } from './socket-input.js';

/** After an ERROR or the end, the peer has this long to close its side before the socket is destroyed. */
const LINGER_MS = 1000;
/** Memory for reading while much comes: what the kernel keeps of a Unix socket fits in. */
const AREA_BYTES = 256 * 1024;
/** A read of this size says that much comes. */
const LARGE_READ_BYTES = 32 * 1024;
/** Without such a read for so long the memory is given up. */
const AREA_IDLE_MS = 1000;

/**
 * One socket of the exchange protocol, what both ends have in common: frames in and out, ping, the table of
 * exchanges, and the way a connection ends. Owns its socket. Exchanges never outlive it: when it closes, each is
 * aborted.
 */
export abstract class WireConnection implements FrameSink, StreamHost {
  readonly writer: FrameWriter;
  isClosed = false;
  maxPayloadBytes = MAX_HANDSHAKE_BYTES;
  sendWindow = 0;
  readonly receiveWindow: number;
  /** Exchanges whose directions are not both closed. */
  activeExchanges = 0;

  protected readonly socket: Socket;
  protected isShaken = false;
  protected readonly streams: (ExchangeStream | undefined)[] = [];
  private blocked: ExchangeStream[] = [];
  private current: ExchangeStream | undefined;
  private currentFlags = 0;
  private readonly pong = Buffer.alloc(PING_BYTES);
  private owesPong = false;
  private socketError: Error | undefined;
  private readonly lostReason: AbortReason;
  private readonly reader = new FrameReader(this);
  /** While large bodies come. */
  private area: ReadArea | undefined;
  private areaTimer: NodeJS.Timeout | undefined;
  private hadLargeRead = false;

  /** `lostReason`: what exchanges are told when the peer goes away. */
  protected constructor(socket: Socket, receiveWindow: number, lostReason: AbortReason) {
    this.socket = socket;
    this.receiveWindow = receiveWindow;
    this.lostReason = lostReason;
    this.writer = new FrameWriter(socket, () => this.flushed());
    readFrom(
      socket,
      (chunk) => this.receive(chunk),
      () => this.area?.room,
    );
    socket.on('drain', () => this.flushed());
    socket.on('error', (error) => {
      this.socketError = error;
    });
    socket.on('close', () => {
      const cause = this.socketError;
      const text =
        cause === undefined ? 'the peer closed the connection' : `the connection broke: ${messageOf(cause)}`;
      this.closeWith(new PorticoError('PORTICO_EXCHANGE_CLOSED', text, { cause }), this.lostReason);
    });
  }

  // StreamHost

  block(stream: ExchangeStream): void {
    this.blocked.push(stream);
  }

  release(stream: ExchangeStream): void {
    this.streams[stream.id] = undefined;
    this.activeExchanges--;
    this.released(stream);
  }

  // FrameSink

  frame(
    type: number,
    flags: number,
    generation: number,
    id: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    if (type >= FIRST_IGNORABLE_TYPE) return;
    if (flags !== 0 && !(flags === FLAG_END && (type === FrameType.REQUEST || type === FrameType.RESPONSE)))
      throw new ProtocolViolation(`${nameOfType(type)} with the flags ${flags}`);
    if (type < FrameType.REQUEST) {
      if (id !== 0 || generation !== 0)
        throw new ProtocolViolation(`${nameOfType(type)} with an exchange id`);
      this.connectionFrame(type, bytes, start, end);
      return;
    }
    if (!this.isShaken) throw new ProtocolViolation(`${nameOfType(type)} before the handshake`);
    switch (type) {
      case FrameType.END: {
        const trailers = readTrailers(bytes, start, end);
        this.find(type, generation, id)?.receiveEnd(trailers);
        return;
      }
      case FrameType.ABORT: {
        const reason = bytes[start] as AbortReason;
        if (end - start !== 1 || reason < AbortReason.CANCELLED || reason > AbortReason.BAD_BODY)
          throw new ProtocolViolation(`ABORT has no known reason`);
        this.find(type, generation, id)?.receiveAbort(reason);
        return;
      }
      case FrameType.WINDOW: {
        const increment = end - start === 4 ? readU32(bytes, start) : 0;
        if (increment === 0) throw new ProtocolViolation('WINDOW without a credit of 32 bits');
        this.find(type, generation, id)?.receiveWindow(increment);
        return;
      }
      default:
        this.headFrame(type, flags, generation, id, bytes, start, end);
    }
  }

  dataBegins(flags: number, generation: number, id: number, length: number): void {
    if (!this.isShaken) throw new ProtocolViolation('DATA before the handshake');
    if ((flags & ~FLAG_END) !== 0) throw new ProtocolViolation(`DATA with the flags ${flags}`);
    if (length === 0 && flags === 0) throw new ProtocolViolation('DATA without bytes and without END');
    const stream = this.find(FrameType.DATA, generation, id);
    stream?.receiveData(length);
    this.current = stream;
    this.currentFlags = flags;
  }

  dataPiece(bytes: Buffer, start: number, end: number): boolean {
    return this.current?.receivePiece(bytes, start, end) ?? true;
  }

  dataEnds(): void {
    const { current } = this;
    this.current = undefined;
    if (this.currentFlags === FLAG_END) current?.receiveEnd(undefined);
  }

  // For the two ends.

  /** HELLO, PROOF, DRAIN, PONG: each end has its own. Throws a ProtocolViolation for what it must not get. */
  protected abstract controlFrame(type: number, payload: Buffer): void;
  /** REQUEST at an instance, RESPONSE and INTERIM at a front. */
  protected abstract headFrame(
    type: number,
    flags: number,
    generation: number,
    id: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void;
  /**
   * The exchange a frame belongs to; undefined for a late frame, which is ignored. Throws a ProtocolViolation for an
   * exchange that never was.
   */
  protected abstract find(type: number, generation: number, id: number): ExchangeStream | undefined;
  /** The id of `stream` is free again. */
  protected abstract released(stream: ExchangeStream): void;
  /** The connection is over; called once, after its exchanges were aborted. */
  protected abstract closed(error: PorticoError): void;
  /** Unsent bytes changed. */
  protected abstract outputChanged(): void;

  /** Both sides have proved who they are. */
  protected shaken(sendWindow: number): void {
    this.sendWindow = sendWindow;
    this.maxPayloadBytes = MAX_PAYLOAD_BYTES;
    this.isShaken = true;
  }

  /** Ends the connection for a violation of the peer: ERROR, then close. */
  protected fail(violation: ProtocolViolation): void {
    if (this.isClosed) return;
    this.writer.frame(encodeError(violation), FrameType.ERROR, 0, 0, 0);
    this.closeWith(violation, AbortReason.PROTOCOL_ERROR);
  }

  /** Ends the connection: what was collected is sent, every exchange is aborted with `reason`. Once. */
  protected closeWith(error: PorticoError, reason: AbortReason): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.giveUpArea();
    this.writer.flush();
    this.writer.close();
    if (!this.socket.destroyed) {
      this.socket.end();
      setTimeout(() => this.socket.destroy(), LINGER_MS).unref();
    }
    this.current = undefined;
    this.blocked = [];
    for (const stream of this.streams) stream?.lost(reason);
    this.streams.length = 0;
    this.activeExchanges = 0;
    this.closed(error);
  }

  private receive(chunk: Buffer): void {
    if (this.isClosed) return;
    const { area } = this;
    const isLent = area?.lends(chunk) === true;
    if (chunk.length >= LARGE_READ_BYTES) this.expectMore();
    try {
      if (!this.reader.push(chunk, isLent) && isLent) area.keep(chunk);
    } catch (error) {
      if (!(error instanceof ProtocolViolation)) throw error;
      this.fail(error);
    }
  }

  private expectMore(): void {
    this.hadLargeRead = true;
    if (this.area !== undefined) return;
    this.area = new ReadArea(AREA_BYTES);
    this.areaTimer = setInterval(() => this.checkArea(), AREA_IDLE_MS).unref();
  }

  /** The socket lets go of the memory when something arrives: the answer to a PING. */
  private checkArea(): void {
    if (!this.hadLargeRead) {
      this.giveUpArea();
      const at = this.writer.room(PING_BYTES);
      this.writer.bytes.fill(0, at, at + PING_BYTES);
      this.writer.commit(PING_BYTES, FrameType.PING, 0, 0, 0);
    }
    this.hadLargeRead = false;
  }

  private giveUpArea(): void {
    clearInterval(this.areaTimer);
    this.area = undefined;
  }

  private connectionFrame(type: number, bytes: Buffer, start: number, end: number): void {
    if (type === FrameType.ERROR) {
      const { code, text } = decodeError(bytes.subarray(start, end));
      this.closeWith(new PorticoError(code, `the peer ended the connection: ${text}`), this.lostReason);
      return;
    }
    if (type !== FrameType.PING) {
      this.controlFrame(type, bytes.subarray(start, end));
      return;
    }
    if (!this.isShaken || end - start !== PING_BYTES) throw new ProtocolViolation('PING out of place');
    bytes.copy(this.pong, 0, start, end);
    this.owesPong = true;
    this.answerPing();
  }

  /** While the peer does not read, only its latest PING is kept for an answer. */
  private answerPing(): void {
    if (!this.owesPong || this.writer.isCongested) return;
    this.owesPong = false;
    const at = this.writer.room(PING_BYTES);
    this.pong.copy(this.writer.bytes, at);
    this.writer.commit(PING_BYTES, FrameType.PONG, 0, 0, 0);
  }

  private flushed(): void {
    if (this.isClosed) return;
    if (!this.writer.isCongested) {
      this.answerPing();
      if (this.blocked.length > 0) {
        const waiting = this.blocked;
        this.blocked = [];
        for (const stream of waiting) stream.resume();
      }
    }
    this.outputChanged();
  }
}
