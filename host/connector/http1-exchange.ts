import type { RequestHead } from '../exchange/exchange.js';
import { illegalCall } from '../exchange/exchange-errors.js';
import type { Fields } from '../http/field-block.js';
import { ConnectorExchange } from './connector-exchange.js';
import {
  dateLine,
  type FieldWriter,
  putBody,
  putBytes,
  putNumber,
  putText,
  statusLine,
} from './response-bytes.js';
import { Framing, lengthWithoutBody, mayHaveBody } from './response-framing.js';
import type { SocketOutput } from './socket-output.js';

/** Bytes of request body a handler gets ahead of `consumed`. */
export const BODY_WINDOW_BYTES = 256 * 1024;

/** What an exchange needs of its connection. */
export interface ExchangeOwner {
  readonly output: SocketOutput;
  readonly fieldWriter: FieldWriter;
  /** Decides, when the response head is written, whether the connection is closed behind this response. */
  closesAfter(exchange: Http1Exchange): boolean;
  /** The connection shall not be used again. */
  closeAfterwards(): void;
  /** The last byte of the response was accepted, or there will be none. */
  responseEnded(exchange: Http1Exchange): void;
  /** The response cannot be completed; close so that the client notices. `reset`: an orderly close looks complete. */
  cut(exchange: Http1Exchange, reset: boolean): void;
  tunnelBegun(): void;
  tunnelEnded(): void;
  /** The handler takes more of the body again. */
  creditReturned(): void;
  handlerFailed(exchange: Http1Exchange, error: unknown): void;
}

/**
 * One request and its response on an HTTP/1.x connection: frames the response and checks it. Made by the connection
 * for each request, and let go by it when the response has ended.
 */
export class Http1Exchange extends ConnectorExchange {
  /** Body bytes that may be delivered now. */
  credit = BODY_WINDOW_BYTES;

  private readonly owner: ExchangeOwner;

  constructor(owner: ExchangeOwner, head: RequestHead, startedAt: number) {
    super(head, startedAt);
    this.owner = owner;
  }

  get isHolding(): boolean {
    return this.owner.output.isHolding;
  }

  override consumed(bytes: number): void {
    const credit = this.credit + bytes;
    this.credit = Math.min(credit, BODY_WINDOW_BYTES);
    this.owner.creditReturned();
  }

  override interim(status: number, fields: Fields): void {
    // RFC 9110 §15.2: HTTP/1.0 knows no interim responses.
    if (this.head.version === '1.0' || !this.canInform(status)) return;
    const { output, fieldWriter } = this.owner;
    const target = output.open(fieldWriter.size(fields) + HEAD_ROOM);
    let at = putBytes(statusLine(status), target, output.position);
    at = fieldWriter.write(target, at, fields, false);
    if (at < 0) {
      this.refuseResponse('an interim response has an illegal field');
      return;
    }
    output.close(putText('\r\n', target, at));
    output.flushUnlessHeld();
    if (status === 100) this.hasContinued = true;
  }

  override respond(status: number, fields: Fields, body: string | Uint8Array | undefined): void {
    if (!this.canAnswer('respond', status)) return;
    const { output, fieldWriter } = this.owner;
    const hasBody = mayHaveBody(status, this.head.method);
    const bodyBytes =
      body === undefined ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    const copied = hasBody && bodyBytes <= COPIED_BODY_BYTES ? bodyBytes : 0;
    const target = output.open(fieldWriter.size(fields) + HEAD_ROOM + copied);
    let at = putBytes(statusLine(status), target, output.position);
    at = fieldWriter.write(target, at, fields, false);
    if (at < 0) {
      this.refuseResponse('a response field is illegal');
      return;
    }

    const declared = fieldWriter.contentLength;
    let length = bodyBytes;
    let sent = hasBody ? bodyBytes : 0;
    if (hasBody) {
      // A length that lies is kept and cut: the client must see that something is wrong (RFC 9112 §8).
      if (declared >= 0 && declared !== bodyBytes) {
        length = declared;
        sent = Math.min(declared, bodyBytes);
      }
    } else {
      length = lengthWithoutBody(status, declared, body === undefined ? -1 : bodyBytes);
    }
    const isCut = hasBody && length !== bodyBytes;
    if (isCut) this.owner.closeAfterwards();
    at = this.putHeadEnd(target, at, length);
    this.isBegun = true;
    this.status = status;
    this.bytesOut = sent;
    if (body !== undefined && sent > 0) {
      if (copied > 0 && !isCut) {
        at = putBody(body, target, at, bodyBytes);
        output.close(at);
      } else {
        output.close(at);
        const bytes = typeof body === 'string' ? Buffer.from(body) : body;
        output.append(sent === bodyBytes ? bytes : bytes.subarray(0, sent));
      }
    } else {
      output.close(at);
    }
    if (isCut) {
      this.breakOff(`Content-Length is ${length}, the body has ${bodyBytes} bytes`);
      return;
    }
    this.finish();
  }

  override begin(status: number, fields: Fields): void {
    if (!this.canAnswer('begin', status)) return;
    const isTunnel = status === 101;
    const { output, fieldWriter } = this.owner;
    const target = output.open(fieldWriter.size(fields) + HEAD_ROOM + (this.head.upgrade?.length ?? 0));
    let at = putBytes(statusLine(status), target, output.position);
    at = fieldWriter.write(target, at, fields, isTunnel);
    if (at < 0) {
      this.refuseResponse('a response field is illegal');
      return;
    }
    this.isBegun = true;
    this.status = status;
    if (isTunnel) {
      this.framing = Framing.TUNNEL;
      // RFC 9110 §7.8: the protocol switched to is named in the answer.
      if (!fieldWriter.hasUpgrade) at = putText(`Upgrade: ${this.head.upgrade ?? ''}\r\n`, target, at);
      if (!fieldWriter.hasDate) at = putBytes(dateLine(), target, at);
      output.close(putText('Connection: Upgrade\r\n\r\n', target, at));
      output.flushLater();
      this.owner.tunnelBegun();
      return;
    }
    let length = fieldWriter.contentLength;
    if (!mayHaveBody(status, this.head.method)) {
      this.framing = Framing.NONE;
      length = lengthWithoutBody(status, length, -1);
    } else if (length >= 0) {
      this.framing = Framing.LENGTH;
      this.remaining = length;
    } else if (this.head.version === '1.0') {
      // RFC 9112 §6.3: without a length an HTTP/1.0 body ends with the connection.
      this.framing = Framing.CLOSE;
      this.owner.closeAfterwards();
    } else {
      this.framing = Framing.CHUNKED;
      at = putText('Transfer-Encoding: chunked\r\n', target, at);
    }
    output.close(this.putHeadEnd(target, at, length));
    output.flushLater();
  }

  override write(chunk: Uint8Array): boolean {
    if (this.isEnded) return false;
    if (!this.isBegun) throw illegalCall('write', 'no response has begun');
    const { output } = this.owner;
    const size = chunk.length;
    if (size === 0 || this.framing === Framing.NONE) return !output.isFull;
    if (this.framing === Framing.CHUNKED) {
      const target = output.open(16);
      let at = putText(size.toString(16), target, output.position);
      at = putText('\r\n', target, at);
      output.close(at);
      output.append(chunk);
      output.append(CRLF);
    } else if (this.framing === Framing.LENGTH && size > this.remaining) {
      this.bytesOut += this.remaining;
      output.append(chunk.subarray(0, this.remaining));
      this.breakOff('the body is longer than its Content-Length');
      return false;
    } else {
      if (this.framing === Framing.LENGTH) this.remaining -= size;
      output.append(chunk);
    }
    this.bytesOut += size;
    // Whoever gave so many bytes may want to use their memory again.
    if (size >= LARGE_CHUNK_BYTES) output.flushUnlessHeld();
    else output.flushLater();
    return !output.isFull;
  }

  override end(trailers?: Fields): void {
    if (this.isEnded) return;
    if (!this.isBegun) throw illegalCall('end', 'no response has begun');
    const { output, fieldWriter } = this.owner;
    if (this.framing === Framing.TUNNEL) {
      this.isEnded = true;
      this.owner.tunnelEnded();
      return;
    }
    if (this.framing === Framing.LENGTH && this.remaining > 0) {
      this.breakOff(`the body lacks ${this.remaining} bytes of its Content-Length`);
      return;
    }
    if (this.framing === Framing.CHUNKED) {
      const target = output.open((trailers === undefined ? 0 : fieldWriter.size(trailers)) + 8);
      let at = putText('0\r\n', target, output.position);
      if (trailers !== undefined) at = fieldWriter.write(target, at, trailers, false);
      if (at < 0) {
        this.breakOff('a trailer field is illegal');
        return;
      }
      output.close(putText('\r\n', target, at));
    }
    this.finish();
  }

  protected override handlerFailed(error: unknown): void {
    this.owner.handlerFailed(this, error);
  }

  protected override refuseBody(): void {
    this.owner.closeAfterwards();
  }

  protected override cut(): void {
    // An orderly close would look like the end of the body.
    this.owner.cut(this, this.framing === Framing.CLOSE);
  }

  /** Framing, date and connection fields, and the empty line. */
  private putHeadEnd(target: Buffer, from: number, length: number): number {
    const { fieldWriter, owner } = this;
    const { transportSecurityLine } = fieldWriter;
    let at = from;
    if (!fieldWriter.hasDate) at = putBytes(dateLine(), target, at);
    // RFC 6797 §7.1: one such field; that of the application wins.
    if (transportSecurityLine !== undefined && !fieldWriter.hasTransportSecurity)
      at = putBytes(transportSecurityLine, target, at);
    if (length >= 0) {
      at = putText('Content-Length: ', target, at);
      at = putNumber(length, target, at);
      at = putText('\r\n', target, at);
    }
    if (fieldWriter.asksClose) owner.closeAfterwards();
    // RFC 9112 §9.3: HTTP/1.1 persists unless told otherwise, HTTP/1.0 only when told.
    if (owner.closesAfter(this)) at = putText('Connection: close\r\n', target, at);
    else if (this.head.version === '1.0') at = putText('Connection: keep-alive\r\n', target, at);
    return putText('\r\n', target, at);
  }

  private get fieldWriter(): FieldWriter {
    return this.owner.fieldWriter;
  }

  private finish(): void {
    this.isEnded = true;
    this.owner.output.flushUnlessHeld();
    this.owner.responseEnded(this);
  }
}

/** Room for status line, Date, framing and connection fields, and Strict-Transport-Security. */
const HEAD_ROOM = 384;
/** From this size on a chunk leaves at once; smaller ones may leave together. */
const LARGE_CHUNK_BYTES = 16 * 1024;
/** Bodies up to this size are copied behind their head and leave in the same write. */
const COPIED_BODY_BYTES = 16 * 1024;
const CRLF = Buffer.from('\r\n', 'latin1');
