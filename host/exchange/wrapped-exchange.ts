import type { Fields } from '../http/field-block.js';
import type { AbortReason, Exchange, RequestHead, RequestListener } from './exchange.js';

/** An exchange that hands everything on to another one. Subclasses change what they are for, and nothing else. */
export class WrappedExchange implements Exchange {
  readonly head: RequestHead;
  protected readonly inner: Exchange;

  constructor(inner: Exchange) {
    this.head = inner.head;
    this.inner = inner;
  }

  get attachment(): unknown {
    return this.inner.attachment;
  }

  set attachment(value: unknown) {
    this.inner.attachment = value;
  }

  get isBegun(): boolean {
    return this.inner.isBegun;
  }

  get isEnded(): boolean {
    return this.inner.isEnded;
  }

  listen(listener: RequestListener): void {
    this.inner.listen(listener);
  }

  consumed(bytes: number): void {
    this.inner.consumed(bytes);
  }

  interim(status: number, fields: Fields): void {
    this.inner.interim(status, fields);
  }

  respond(status: number, fields: Fields, body: string | Uint8Array | undefined): void {
    this.inner.respond(status, fields, body);
  }

  begin(status: number, fields: Fields): void {
    this.inner.begin(status, fields);
  }

  write(chunk: Uint8Array): boolean {
    return this.inner.write(chunk);
  }

  end(trailers?: Fields): void {
    this.inner.end(trailers);
  }

  abort(reason: AbortReason): void {
    this.inner.abort(reason);
  }
}
