import type { Socket } from 'node:net';
import { PorticoError } from '../errors.js';
import { AbortReason, type ExchangeHandler } from './exchange.js';
import { FLAG_END, FrameType, nameOfType, ProtocolViolation, WireError } from './frame.js';
import { checkProof, decodeHello, encodeHello, PROOF_BYTES, proofOf, Role } from './hello.js';
import { WireRequestHead } from './request-codec.js';
import { WireConnection } from './wire-connection.js';
import { WireExchange } from './wire-exchange.js';

/** What a connection needs of its server. */
export interface ServerConnectionOwner {
  readonly secret: string;
  readonly handler: ExchangeHandler;
  readonly handshakeTimeoutMs: number;
  readonly maxExchanges: number;
  readonly windowBytes: number;
  readonly isDraining: boolean;
  /** The connection is over. */
  forget(connection: ServerConnection): void;
}

/** With this much unsent, requests are not read any more; honest fronts always read, so it goes down again. */
const STOP_READING_BYTES = 8 * 1024 * 1024;

/** One front at the instance's end. Owned by the ExchangeServer. */
export class ServerConnection extends WireConnection {
  private readonly owner: ServerConnectionOwner;
  private readonly deadline: NodeJS.Timeout;
  private expectedProof: Buffer | undefined;
  private frontWindow = 0;
  /** Generation of the last use of each id; undefined before the first. */
  private readonly generations: (number | undefined)[] = [];
  private isPaused = false;

  constructor(socket: Socket, owner: ServerConnectionOwner) {
    super(socket, owner.windowBytes, AbortReason.CANCELLED);
    this.owner = owner;
    this.deadline = setTimeout(() => {
      const text = `no handshake within ${owner.handshakeTimeoutMs} ms`;
      this.fail(new ProtocolViolation(text, WireError.TIMEOUT));
    }, owner.handshakeTimeoutMs);
  }

  sendDrain(): void {
    if (!this.isShaken || this.isClosed) return;
    this.writer.room(0);
    this.writer.commit(0, FrameType.DRAIN, 0, 0, 0);
  }

  /** Cuts a peer that has not said HELLO. One that has may have sent requests right behind its PROOF. */
  cutUnlessGreeted(): void {
    if (!this.isShaken && this.expectedProof === undefined) this.cut('the instance is stopping');
  }

  /** Ends the connection now; what was written is still sent. */
  cut(why: string): void {
    this.closeWith(new PorticoError('PORTICO_EXCHANGE_CLOSED', why), AbortReason.CANCELLED);
  }

  protected controlFrame(type: number, payload: Buffer): void {
    if (type === FrameType.HELLO && !this.isShaken && this.expectedProof === undefined)
      this.receiveHello(payload);
    else if (type === FrameType.PROOF && this.expectedProof !== undefined)
      this.receiveProof(payload, this.expectedProof);
    else if (type !== FrameType.PONG || !this.isShaken)
      throw new ProtocolViolation(`${nameOfType(type)} is not expected here`);
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
    if (type !== FrameType.REQUEST)
      throw new ProtocolViolation(`${nameOfType(type)} is not expected at an instance`);
    if (id >= this.owner.maxExchanges)
      throw new ProtocolViolation(
        `REQUEST with the id ${id}; ids below ${this.owner.maxExchanges} are allowed`,
      );
    const last = this.generations[id];
    if (this.streams[id] !== undefined || generation !== (last === undefined ? 0 : (last + 1) & 0xff))
      throw new ProtocolViolation(`REQUEST with the id ${id} generation ${generation}, which is not free`);
    const head = new WireRequestHead(bytes, start, end);
    const isComplete = flags === FLAG_END;
    if (isComplete && (head.bodyLength > 0 || head.upgrade !== undefined))
      throw new ProtocolViolation('REQUEST announces a body or a tunnel and ends without one');
    const exchange = new WireExchange(this, id, generation, head);
    this.generations[id] = generation;
    this.streams[id] = exchange;
    this.activeExchanges++;
    exchange.handle(this.owner.handler, isComplete);
  }

  protected find(type: number, generation: number, id: number): WireExchange | undefined {
    const stream = this.streams[id] as WireExchange | undefined;
    if (stream !== undefined && stream.generation === generation) return stream;
    const isLate = type === FrameType.WINDOW || type === FrameType.ABORT;
    // What the front sent before it knew that the exchange was over.
    if (isLate && stream === undefined && generation === this.generations[id]) return undefined;
    throw new ProtocolViolation(
      `${nameOfType(type)} for exchange ${id} generation ${generation}, which is not open`,
    );
  }

  protected released(): void {
    // The front decides when the id is used again.
  }

  protected closed(): void {
    clearTimeout(this.deadline);
    this.owner.forget(this);
  }

  protected outputChanged(): void {
    const isFull = this.writer.unsentBytes >= STOP_READING_BYTES;
    if (isFull === this.isPaused) return;
    this.isPaused = isFull;
    if (isFull) this.socket.pause();
    else this.socket.resume();
  }

  private receiveHello(payload: Buffer): void {
    const { secret, windowBytes, maxExchanges } = this.owner;
    this.frontWindow = decodeHello(payload, Role.FRONT).windowBytes;
    const hello = encodeHello(Role.INSTANCE, { windowBytes, maxExchanges });
    this.expectedProof = proofOf(Role.FRONT, secret, payload, hello);
    const proof = proofOf(Role.INSTANCE, secret, payload, hello);
    this.writer.frame(Buffer.concat([hello, proof]), FrameType.HELLO, 0, 0, 0);
    this.writer.flush();
  }

  private receiveProof(payload: Buffer, expected: Buffer): void {
    if (payload.length !== PROOF_BYTES) throw new ProtocolViolation(`PROOF has ${payload.length} bytes`);
    checkProof(payload, expected);
    this.expectedProof = undefined;
    this.shaken(this.frontWindow);
    clearTimeout(this.deadline);
    if (this.owner.isDraining) this.sendDrain();
  }
}
