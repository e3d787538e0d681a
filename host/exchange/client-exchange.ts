import type { FieldBlock, Fields } from '../http/field-block.js';
import { type AbortReason, USED_UP } from './exchange.js';
import {
  ABORTED,
  ExchangeStream,
  HEAD_DONE,
  REMOTE_CLOSED,
  type StreamHost,
  TUNNEL,
} from './exchange-stream.js';
import { FLAG_END, MAX_INTERIMS, ProtocolViolation } from './frame.js';
import { checkResponse, fieldsOf, statusOf } from './response-codec.js';
import type { SendMark } from './send-mark.js';

/** What an instance says to one request. The methods are called on the event-loop thread, never inside `open`. */
export interface ResponseListener {
  /** Status 100, 102 or 103 to 199, before `response`. */
  interim(status: number, fields: FieldBlock): void;
  /**
   * Response head. When `isComplete`, `body` is the whole body (undefined for none) and nothing follows; it needs no
   * `consumed`. Status 101 makes a tunnel: `data` and `write` carry raw bytes from then on.
   */
  response(status: number, fields: FieldBlock, body: Buffer | undefined, isComplete: boolean): void;
  /**
   * Body bytes; MUST be acknowledged by `consumed`. Answer as to `RequestListener.data`.
   */
  data(chunk: Buffer): unknown;
  /** The response is complete. The request body may still be going on. */
  end(trailers: FieldBlock | undefined): void;
  /** The request body may be written again after `write` returned false. */
  drain(): void;
  /** Over before its time; also after `end` while the request body goes on. At most once, nothing follows. */
  aborted(reason: AbortReason): void;
}

/** The request side of an open exchange. After `abort` or `ResponseListener.aborted` every method does nothing. */
export interface OutgoingExchange {
  /** Sends request body. False: wait for `drain`. The chunk must not be changed afterwards; see `sendMark`. */
  write(chunk: Uint8Array): boolean;
  /** What a listener may answer that gave its bytes to `write` (`RequestListener.data`). To be asked right behind it. */
  readonly sendMark: typeof USED_UP | SendMark;
  /** Ends the request body, or this direction of a tunnel. Does nothing for a request without a body. */
  end(trailers?: Fields): void;
  /** `bytes` of what `data` gave were used up. Throws PORTICO_EXCHANGE_STATE for more than it gave. */
  consumed(bytes: number): void;
  /** Gives up; the listener hears nothing more. */
  abort(reason: AbortReason): void;
}

/** An exchange at the front's end of the wire. */
export class ClientExchange extends ExchangeStream implements OutgoingExchange {
  private readonly listener: ResponseListener;
  private readonly mayTunnel: boolean;
  private interims = 0;

  constructor(
    host: StreamHost,
    id: number,
    generation: number,
    listener: ResponseListener,
    mayTunnel: boolean,
    isComplete: boolean,
  ) {
    super(host, id, generation);
    this.listener = listener;
    this.mayTunnel = mayTunnel;
    if (isComplete) this.localClosed();
  }

  write(chunk: Uint8Array): boolean {
    return this.canSend && this.sendBody(chunk);
  }

  end(trailers?: Fields): void {
    // A request that may become a tunnel has no trailers: the instance may have answered 101 already.
    if (this.canSend) this.sendEnd(this.mayTunnel ? undefined : trailers);
  }

  consumed(bytes: number): void {
    this.returnCredit(bytes);
  }

  abort(reason: AbortReason): void {
    this.sendAbort(reason);
  }

  receiveInterim(bytes: Buffer, start: number, end: number): void {
    if ((this.state & (HEAD_DONE | REMOTE_CLOSED)) !== 0)
      throw new ProtocolViolation(`INTERIM for exchange ${this.id} after its response`);
    if (checkResponse(bytes, start, end) !== end) throw new ProtocolViolation('INTERIM has a body');
    const status = statusOf(bytes, start);
    if (status < 100 || status > 199 || status === 101)
      throw new ProtocolViolation(`INTERIM has the status ${status}`);
    if (++this.interims > MAX_INTERIMS)
      throw new ProtocolViolation(`exchange ${this.id} got more than ${MAX_INTERIMS} interim responses`);
    if ((this.state & ABORTED) !== 0) return;
    try {
      this.listener.interim(status, fieldsOf(bytes, start));
    } catch (error) {
      this.callbackThrew(error);
    }
  }

  receiveResponse(flags: number, bytes: Buffer, start: number, end: number): void {
    if ((this.state & (HEAD_DONE | REMOTE_CLOSED)) !== 0)
      throw new ProtocolViolation(`second response for exchange ${this.id}`);
    const headEnd = checkResponse(bytes, start, end);
    const status = statusOf(bytes, start);
    const isComplete = flags === FLAG_END;
    if (status !== 101 ? status < 200 || status > 999 : isComplete || !this.mayTunnel)
      throw new ProtocolViolation(
        `RESPONSE has the status ${status}, which is not allowed for this exchange`,
      );
    const size = end - headEnd;
    if (size > 0 && (!isComplete || size > this.host.receiveWindow))
      throw new ProtocolViolation(`RESPONSE carries ${size} body bytes, which is not allowed here`);
    this.state |= status === 101 ? HEAD_DONE | TUNNEL : HEAD_DONE;
    if (isComplete) this.remoteClosed();
    if ((this.state & ABORTED) !== 0) return;
    try {
      const body = size === 0 ? undefined : bytes.subarray(headEnd, end);
      this.listener.response(status, fieldsOf(bytes, start), body, isComplete);
    } catch (error) {
      this.callbackThrew(error);
    }
  }

  override receiveData(length: number): void {
    if ((this.state & HEAD_DONE) === 0)
      throw new ProtocolViolation(`DATA for exchange ${this.id} before its response`);
    super.receiveData(length);
  }

  override receiveEnd(trailers: FieldBlock | undefined): void {
    if ((this.state & HEAD_DONE) === 0)
      throw new ProtocolViolation(`END of exchange ${this.id} before its response`);
    super.receiveEnd(trailers);
  }

  protected onData(chunk: Buffer): boolean {
    return this.listener.data(chunk) === USED_UP;
  }

  protected onEnd(trailers: FieldBlock | undefined): void {
    this.listener.end(trailers);
  }

  protected onDrain(): void {
    this.listener.drain();
  }

  protected onAborted(reason: AbortReason): void {
    this.listener.aborted(reason);
  }
}

/** Stands for an exchange that could not be opened; its listener is told `aborted` after `open` has returned. */
export class RefusedExchange implements OutgoingExchange {
  readonly sendMark: typeof USED_UP = USED_UP;
  private isAborted = false;

  constructor(listener: ResponseListener, reason: AbortReason) {
    process.nextTick(() => {
      if (!this.isAborted) listener.aborted(reason);
    });
  }

  write(): boolean {
    return false;
  }

  end(): void {
    // Nothing was opened, so nothing ends.
  }

  consumed(): void {
    // Nothing was received.
  }

  abort(): void {
    this.isAborted = true;
  }
}
