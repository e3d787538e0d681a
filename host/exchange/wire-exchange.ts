import { PorticoError } from '../errors.js';
import { FieldBlock, type Fields } from '../http/field-block.js';
import { type AbortReason, type Exchange, type RequestListener, USED_UP } from './exchange.js';
import {
  ABORTED,
  END_QUEUED,
  ExchangeStream,
  HEAD_DONE,
  LOCAL_CLOSED,
  type StreamHost,
  TUNNEL,
} from './exchange-stream.js';
import { FLAG_END, FrameType, HEADER_BYTES, MAX_INTERIMS } from './frame.js';
import type { WireRequestHead } from './request-codec.js';
import { sizeOfResponse, writeResponse } from './response-codec.js';

/** A body up to this size travels in the frame of its response head. */
const INLINE_BODY_BYTES = 32 * 1024;
/** The longest character of UTF-8. */
const MORE_THAN_ASCII = 4;

/** An exchange at the instance's end of the wire: what the engine inside the instance gets. */
export class WireExchange extends ExchangeStream implements Exchange {
  readonly head: WireRequestHead;
  private listener: RequestListener | undefined = undefined;
  private isDropping = false;
  private interims = 0;
  /** An answer that waits until the socket has room. */
  private later: { status: number; fields: Fields; text: string } | undefined = undefined;

  constructor(host: StreamHost, id: number, generation: number, head: WireRequestHead) {
    super(host, id, generation);
    this.head = head;
  }

  get isEnded(): boolean {
    return !this.canSend;
  }

  get isBegun(): boolean {
    return (this.state & HEAD_DONE) !== 0;
  }

  listen(listener: RequestListener): void {
    if (this.isDropping)
      throw illegal(
        'listen',
        'the handler has returned and the body is being dropped; call it inside the handler',
      );
    this.listener = listener;
  }

  consumed(bytes: number): void {
    this.returnCredit(bytes);
  }

  interim(status: number, fields: Fields): void {
    if ((this.state & (HEAD_DONE | LOCAL_CLOSED)) !== 0) return;
    if (!Number.isInteger(status) || status < 100 || status > 199 || status === 101)
      throw badStatus(status, '100 or 102 to 199 for an interim response');
    // The other end takes no more; those left out tell the client nothing new.
    if (++this.interims > MAX_INTERIMS) return;
    this.writeHead(FrameType.INTERIM, 0, status, fields, undefined);
  }

  respond(status: number, fields: Fields, body: string | Uint8Array | undefined): void {
    if (!this.mayBegin('respond')) return;
    checkStatus(status);
    const isBodiless = body === undefined || status === 204 || status === 304;
    const isLong = typeof body === 'string' && body.length * 3 > INLINE_BODY_BYTES;
    if (
      isLong &&
      !isBodiless &&
      (this.respondLater(status, fields, body) || this.respondAscii(status, fields, body))
    )
      return;
    const whole = isLong ? Buffer.from(body) : body;
    if (
      isBodiless ||
      whole === undefined ||
      whole.length <= Math.min(INLINE_BODY_BYTES, this.host.sendWindow)
    ) {
      this.writeHead(FrameType.RESPONSE, FLAG_END, status, fields, isBodiless ? undefined : whole);
      this.state |= HEAD_DONE;
      this.localClosed();
      return;
    }
    // A string of this length was converted above.
    const bytes = whole as Uint8Array;
    const framed = withLength(fields, bytes.length);
    if (this.head.method === 'HEAD') {
      this.respond(status, framed, undefined);
      return;
    }
    this.writeHead(FrameType.RESPONSE, 0, status, framed, undefined);
    this.state |= HEAD_DONE;
    this.sendWhole(bytes);
  }

  begin(status: number, fields: Fields): void {
    if (!this.mayBegin('begin')) return;
    const isTunnel = status === 101;
    if (!isTunnel) checkStatus(status);
    else if (this.head.upgrade === undefined)
      throw badStatus(status, 'a final status: the client did not ask for an upgrade');
    this.writeHead(FrameType.RESPONSE, 0, status, fields, undefined);
    this.state |= isTunnel ? HEAD_DONE | TUNNEL : HEAD_DONE;
  }

  write(chunk: Uint8Array): boolean {
    if ((this.state & ABORTED) !== 0) return false;
    if ((this.state & HEAD_DONE) === 0)
      throw illegal('write', 'the response has not begun; call begin() first');
    if (!this.canSend) throw illegal('write', 'the response has ended');
    return this.sendBody(chunk);
  }

  end(trailers?: Fields): void {
    if ((this.state & ABORTED) !== 0) return;
    if ((this.state & HEAD_DONE) === 0)
      throw illegal('end', 'the response has not begun; call begin() first');
    if (!this.canSend) throw illegal('end', 'the response has ended');
    this.sendEnd(trailers);
  }

  abort(reason: AbortReason): void {
    this.sendAbort(reason);
  }

  /** Gives the exchange to the handler, and tells the end of a request without a body. Called once. */
  handle(handler: (exchange: WireExchange) => void, isComplete: boolean): void {
    // The request is over before the handler runs, so that its answer frees the id.
    if (isComplete) this.remoteClosed();
    try {
      handler(this);
      this.isDropping = this.listener === undefined;
      if (isComplete && (this.state & ABORTED) === 0) this.listener?.end(undefined);
    } catch (error) {
      this.callbackThrew(error);
    }
  }

  override resume(): void {
    super.resume();
    const { later } = this;
    this.later = undefined;
    if (later === undefined || (this.state & LOCAL_CLOSED) !== 0) return;
    this.state &= ~(HEAD_DONE | END_QUEUED);
    this.respond(later.status, later.fields, later.text);
  }

  protected onData(chunk: Buffer): boolean {
    if (this.listener !== undefined) return this.listener.data(chunk) === USED_UP;
    this.returnCredit(chunk.length);
    return true;
  }

  protected onEnd(trailers: FieldBlock | undefined): void {
    this.listener?.end(trailers);
  }

  protected onDrain(): void {
    this.listener?.drain();
  }

  protected onAborted(reason: AbortReason): void {
    this.listener?.aborted(reason);
  }

  /** False when the peer is gone and nothing should happen; throws when the response has begun already. */
  private mayBegin(verb: string): boolean {
    if ((this.state & ABORTED) !== 0) return false;
    if ((this.state & HEAD_DONE) !== 0) throw illegal(verb, 'the response has begun already');
    return true;
  }

  /** Text that could be written to where its frame goes, were there room, waits as it is. False: nothing was done. */
  private respondLater(status: number, fields: Fields, text: string): boolean {
    const { writer } = this.host;
    if (!writer.isCongested || !this.mayFit(text)) return false;
    const flat = fields instanceof FieldBlock ? fields.flat() : [...fields];
    // Encoded also now, so that a bad field is the caller's error.
    writeResponse(status, flat, writer.bytes, writer.room(sizeOfResponse(flat)));
    this.later = { status, fields: flat, text };
    this.state |= HEAD_DONE | END_QUEUED;
    this.blockUntilDrained();
    return true;
  }

  /** Text is written to where its frame goes, if it is ASCII and can leave at once. False: nothing was done. */
  private respondAscii(status: number, fields: Fields, text: string): boolean {
    const { length } = text;
    if (!this.mayFit(text)) return false;
    const { writer } = this.host;
    const framed = withLength(fields, length);
    const at = writer.room(sizeOfResponse(framed) + HEADER_BYTES + length + MORE_THAN_ASCII);
    const headEnd = writeResponse(status, framed, writer.bytes, at);
    // ASCII has as many bytes as units. Other text has more, and fills at least one byte more when it is cut.
    const written = writer.bytes.write(text, headEnd + HEADER_BYTES, length + MORE_THAN_ASCII, 'utf8');
    if (written !== length) return false;
    writer.append(headEnd - at, FrameType.RESPONSE, 0, this.generation, this.id);
    this.state |= HEAD_DONE;
    this.sendInPlace(length);
    return true;
  }

  /** As ASCII the text is no more than one frame. */
  private mayFit(text: string): boolean {
    return text.length <= this.frameBytes - MORE_THAN_ASCII && this.head.method !== 'HEAD';
  }

  private writeHead(
    type: number,
    flags: number,
    status: number,
    fields: Fields,
    body: string | Uint8Array | undefined,
  ): void {
    const { writer } = this.host;
    const bound = body === undefined ? 0 : typeof body === 'string' ? body.length * 3 : body.length;
    const at = writer.room(sizeOfResponse(fields) + bound);
    let end = writeResponse(status, fields, writer.bytes, at);
    if (typeof body === 'string') end += writeUtf8(body, writer.bytes, end);
    else if (body !== undefined) {
      writer.bytes.set(body, end);
      end += body.length;
    }
    writer.commit(end - at, type, flags, this.generation, this.id);
  }
}

/** Writes `text` and returns its bytes. Short ASCII text, the usual small answer, needs no native call. */
function writeUtf8(text: string, bytes: Buffer, at: number): number {
  if (text.length <= 64) {
    let i = 0;
    for (; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) break;
      bytes[at + i] = code;
    }
    if (i === text.length) return i;
  }
  return bytes.write(text, at, 'utf8');
}

function withLength(fields: Fields, length: number): Fields {
  const flat = fields instanceof FieldBlock ? fields.flat() : fields;
  for (let i = 0; i < flat.length; i += 2) if (flat[i]?.toLowerCase() === 'content-length') return fields;
  return [...flat, 'content-length', String(length)];
}

function checkStatus(status: number): void {
  if (!Number.isInteger(status) || status < 200 || status > 999) throw badStatus(status, '200 to 999');
}

function badStatus(status: number, allowed: string): PorticoError {
  return new PorticoError(
    'PORTICO_EXCHANGE_STATUS',
    `the status ${status} cannot be sent here; use ${allowed}`,
  );
}

function illegal(verb: string, why: string): PorticoError {
  return new PorticoError('PORTICO_EXCHANGE_STATE', `${verb}() on an exchange: ${why}`);
}
