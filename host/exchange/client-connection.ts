import type { Socket } from 'node:net';
import { messageOf, PorticoError } from '../errors.js';
import {
  ClientExchange,
  type OutgoingExchange,
  RefusedExchange,
  type ResponseListener,
} from './client-exchange.js';
import { AbortReason, type RequestHead } from './exchange.js';
import type { ExchangeStream } from './exchange-stream.js';
import {
  DEFAULT_WINDOW_BYTES,
  FLAG_END,
  FrameType,
  nameOfType,
  PING_BYTES,
  ProtocolViolation,
  readU32,
  WireError,
  writeU32,
} from './frame.js';
import { checkProof, decodeHello, encodeHello, HELLO_BYTES, proofOf, Role } from './hello.js';
import { sizeOfRequest, writeRequest } from './request-codec.js';
import { WireConnection } from './wire-connection.js';

/** How to reach an instance. */
export interface ExchangeClientOptions {
  readonly socketPath: string;
  readonly secret: string;
  /** For connecting and the handshake together. Default 5000. */
  readonly connectTimeoutMs?: number;
  /** Response body bytes taken per exchange before `consumed`. Default 256 KiB. */
  readonly windowBytes?: number;
  /** The connection is over, also after `close()`; called once, after every exchange was aborted. */
  readonly onClosed: (reason: string) => void;
  /** The instance takes no new exchanges; the connection closes by itself when the open ones are over. */
  readonly onDraining?: () => void;
}

interface WaitingPing {
  readonly number: number;
  readonly sentAt: number;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (milliseconds: number) => void;
  readonly reject: (error: PorticoError) => void;
}

/** The connection behind an ExchangeClient, which owns it. */
export class ClientConnection extends WireConnection {
  private readonly options: ExchangeClientOptions;
  private readonly hello: Buffer;
  private readonly deadline: NodeJS.Timeout;
  /** Called once, with the error or none; undefined afterwards. */
  private settle: ((error: PorticoError | undefined) => void) | undefined;
  private isConnected = false;
  private isDraining = false;
  private maxExchanges = 0;
  private readonly freeIds: number[] = [];
  /** Generation of the last use of each id ever used. */
  private readonly generations: number[] = [];
  private pings: WaitingPing[] = [];
  private pingNumber = 0;

  constructor(
    socket: Socket,
    options: ExchangeClientOptions,
    settle: (error: PorticoError | undefined) => void,
  ) {
    super(socket, options.windowBytes ?? DEFAULT_WINDOW_BYTES, AbortReason.INSTANCE_GONE);
    this.options = options;
    this.settle = settle;
    this.hello = encodeHello(Role.FRONT, { windowBytes: this.receiveWindow, maxExchanges: 0 });
    const timeoutMs = options.connectTimeoutMs ?? 5000;
    this.deadline = setTimeout(() => {
      const text = `${options.socketPath} did not finish the handshake within ${timeoutMs} ms`;
      this.fail(new ProtocolViolation(text, WireError.TIMEOUT));
    }, timeoutMs);
    socket.on('connect', () => {
      this.isConnected = true;
      this.writer.frame(this.hello, FrameType.HELLO, 0, 0, 0);
      this.writer.flush();
    });
  }

  get isOpen(): boolean {
    return this.isShaken && !this.isClosed && !this.isDraining;
  }

  open(head: RequestHead, path: string, listener: ResponseListener, contextPath: string): OutgoingExchange {
    const id = this.freeIds.pop() ?? this.generations.length;
    if (!this.isOpen || id >= this.maxExchanges) return new RefusedExchange(listener, AbortReason.REFUSED);
    const isComplete = head.bodyLength === 0 && head.upgrade === undefined;
    const generation = id < this.generations.length ? ((this.generations[id] as number) + 1) & 0xff : 0;
    try {
      const { writer } = this;
      const at = writer.room(sizeOfRequest(head, path, contextPath));
      const end = writeRequest(head, path, contextPath, writer.bytes, at);
      writer.commit(end - at, FrameType.REQUEST, isComplete ? FLAG_END : 0, generation, id);
    } catch (error) {
      if (id < this.generations.length) this.freeIds.push(id);
      if (!(error instanceof PorticoError)) throw error;
      return new RefusedExchange(listener, AbortReason.PROTOCOL_ERROR);
    }
    const exchange = new ClientExchange(
      this,
      id,
      generation,
      listener,
      head.upgrade !== undefined,
      isComplete,
    );
    this.generations[id] = generation;
    this.streams[id] = exchange;
    this.activeExchanges++;
    return exchange;
  }

  ping(deadlineMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      if (!this.isShaken || this.isClosed) {
        reject(new PorticoError('PORTICO_EXCHANGE_CLOSED', 'ping on a closed connection; connect anew'));
        return;
      }
      const number = ++this.pingNumber;
      const timer = setTimeout(() => {
        this.pings = this.pings.filter((ping) => ping.number !== number);
        const text = `no answer to a ping from ${this.options.socketPath} within ${deadlineMs} ms`;
        reject(new PorticoError('PORTICO_EXCHANGE_TIMEOUT', text));
      }, deadlineMs);
      this.pings.push({ number, sentAt: performance.now(), timer, resolve, reject });
      const at = this.writer.room(PING_BYTES);
      writeU32(this.writer.bytes, at, 0);
      writeU32(this.writer.bytes, at + 4, number);
      this.writer.commit(PING_BYTES, FrameType.PING, 0, 0, 0);
    });
  }

  close(): void {
    this.closeWith(
      new PorticoError('PORTICO_EXCHANGE_CLOSED', 'this end closed the connection'),
      AbortReason.INSTANCE_GONE,
    );
  }

  protected controlFrame(type: number, payload: Buffer): void {
    if (type === FrameType.HELLO && !this.isShaken) this.receiveHello(payload);
    else if (type === FrameType.PONG && this.isShaken) this.receivePong(payload);
    else if (type === FrameType.DRAIN && this.isShaken) this.receiveDrain(payload);
    else throw new ProtocolViolation(`${nameOfType(type)} is not expected here`);
  }

  protected headFrame(
    type: number,
    flags: number,
    generation: number,
    id: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): void {
    if (type === FrameType.RESPONSE) {
      this.find(type, generation, id)?.receiveResponse(flags, bytes, start, end);
    } else if (type === FrameType.INTERIM) {
      this.find(type, generation, id)?.receiveInterim(bytes, start, end);
    } else throw new ProtocolViolation(`${nameOfType(type)} is not expected at a front`);
  }

  protected find(type: number, generation: number, id: number): ClientExchange | undefined {
    if (id < this.generations.length) {
      const stream = this.streams[id] as ClientExchange | undefined;
      if (stream !== undefined && stream.generation === generation) return stream;
      // What the instance sent before it knew that the exchange was over.
      if (type === FrameType.WINDOW || type === FrameType.ABORT) {
        const last = this.generations[id] as number;
        if (generation === (stream === undefined ? last : (last - 1) & 0xff)) return undefined;
      }
    }
    throw new ProtocolViolation(
      `${nameOfType(type)} for exchange ${id} generation ${generation}, which is not open`,
    );
  }

  protected released(stream: ExchangeStream): void {
    this.freeIds.push(stream.id);
    if (this.isDraining && this.activeExchanges === 0) this.closeDrained();
  }

  protected closed(error: PorticoError): void {
    clearTimeout(this.deadline);
    const { settle } = this;
    if (settle !== undefined) {
      this.settle = undefined;
      settle(this.isConnected ? error : this.connectError(error));
      return;
    }
    for (const ping of this.pings) {
      clearTimeout(ping.timer);
      ping.reject(error);
    }
    this.pings = [];
    this.options.onClosed(error.message);
  }

  protected outputChanged(): void {
    // A front never stops reading: what an instance can make it send is bounded by what the front itself opened.
  }

  private receiveHello(payload: Buffer): void {
    const { windowBytes, maxExchanges } = decodeHello(payload, Role.INSTANCE);
    const { secret } = this.options;
    const instanceHello = payload.subarray(0, HELLO_BYTES);
    checkProof(payload.subarray(HELLO_BYTES), proofOf(Role.INSTANCE, secret, this.hello, instanceHello));
    this.writer.frame(proofOf(Role.FRONT, secret, this.hello, instanceHello), FrameType.PROOF, 0, 0, 0);
    this.writer.flush();
    this.shaken(windowBytes);
    this.maxExchanges = maxExchanges;
    clearTimeout(this.deadline);
    const { settle } = this;
    this.settle = undefined;
    settle?.(undefined);
  }

  private receivePong(payload: Buffer): void {
    if (payload.length !== PING_BYTES) throw new ProtocolViolation(`PONG has ${payload.length} bytes`);
    // It answers this ping and all before it: an instance may answer only the latest of several.
    const number = readU32(payload, 4);
    const answered = this.pings.filter((ping) => ping.number <= number);
    this.pings = this.pings.filter((ping) => ping.number > number);
    for (const ping of answered) {
      clearTimeout(ping.timer);
      ping.resolve(performance.now() - ping.sentAt);
    }
  }

  private receiveDrain(payload: Buffer): void {
    if (payload.length !== 0) throw new ProtocolViolation('DRAIN has a payload');
    if (this.isDraining) return;
    this.isDraining = true;
    this.options.onDraining?.();
    if (this.activeExchanges === 0) this.closeDrained();
  }

  /** Later, because `release` runs before the listener of the last exchange is told its end. */
  private closeDrained(): void {
    process.nextTick(() => {
      this.closeWith(
        new PorticoError('PORTICO_EXCHANGE_CLOSED', 'the instance has drained'),
        AbortReason.INSTANCE_GONE,
      );
    });
  }

  private connectError(error: PorticoError): PorticoError {
    if (error.code !== 'PORTICO_EXCHANGE_CLOSED') return error;
    return new PorticoError(
      'PORTICO_EXCHANGE_CONNECT',
      `cannot connect to the instance at ${this.options.socketPath}: ${messageOf(error.cause ?? error)}; ` +
        'it may have gone or not be listening yet',
      { cause: error },
    );
  }
}
