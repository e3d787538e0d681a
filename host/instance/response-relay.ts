import { AbortReason, type Exchange } from '../exchange/exchange.js';
import type { Framing, ResponseSink } from './response-reader.js';

/**
 * Passes a response on to its exchange. What belongs to one write of the application is collected first, so that a
 * small response, however many pieces Node makes of it, leaves in a single `Exchange.respond`.
 * Owned by one virtual connection and reused for each of its exchanges.
 */
export class ResponseRelay implements ResponseSink {
  #exchange: Exchange | undefined;
  #status = 0;
  #fields: string[] = [];
  #framing: Framing = 'none';
  #length = -1;
  #body: (string | Uint8Array)[] = [];
  #trailers: string[] | undefined;
  #isComplete = false;

  /** Set when what the application wrote cannot be a response. */
  failure: string | undefined;

  reset(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#status = 0;
    this.#fields = [];
    if (this.#body.length > 0) this.#body = [];
    this.#trailers = undefined;
    this.#isComplete = false;
    this.failure = undefined;
  }

  get isTunnel(): boolean {
    return this.#status === 101;
  }

  /** True when only the end of the connection ends the response. */
  get isDelimitedByClose(): boolean {
    return this.#status !== 0 && this.#framing === 'close';
  }

  /** The response has been handed over whole. */
  get isDone(): boolean {
    return this.#isComplete;
  }

  interim(status: number, fields: string[]): void {
    if (status === 100 || status === 103) this.#exchange?.interim(status, fields);
  }

  head(status: number, fields: string[], framing: Framing, length: number): void {
    this.#status = status;
    this.#fields = fields;
    this.#framing = framing;
    this.#length = length;
  }

  body(chunk: string | Uint8Array): void {
    this.#body.push(chunk);
  }

  complete(trailers: string[] | undefined): void {
    this.#isComplete = true;
    this.#trailers = trailers;
  }

  malformed(reason: string): void {
    this.failure = reason;
  }

  /** Sends what was collected. False: the client is slow, wait for `drain`. */
  flush(): boolean {
    const exchange = this.#exchange;
    if (exchange === undefined || this.#status === 0 || exchange.isEnded) {
      if (this.#body.length > 0) this.#body = [];
      return true;
    }
    if (!exchange.isBegun) {
      if (this.#isComplete && this.#trailers === undefined && this.#mayRespond()) {
        exchange.respond(this.#status, this.#fields, this.#takeBody());
        return true;
      }
      if (this.#length >= 0) this.#fields.push('Content-Length', String(this.#length));
      exchange.begin(this.#status, this.#fields);
    }
    let mayContinue = true;
    if (this.#body.length > 0) {
      const chunks = this.#body;
      this.#body = [];
      for (const chunk of chunks)
        if (!exchange.isEnded) mayContinue = exchange.write(Buffer.from(chunk as string));
    }
    if (this.#isComplete && !exchange.isEnded) exchange.end(this.#trailers);
    return mayContinue || exchange.isEnded;
  }

  /** The application closed the connection in good order: the end of a response delimited by it, or of a tunnel. */
  finish(): void {
    if (this.isDelimitedByClose) this.#isComplete = true;
    this.flush();
    if (this.isTunnel && this.#exchange?.isEnded === false) this.#exchange.end();
  }

  abort(): void {
    this.#exchange?.abort(AbortReason.APPLICATION_ERROR);
  }

  /** HEAD and 304 keep the Content-Length of the response they stand for (RFC 9110 §8.6), so they are begun. */
  #mayRespond(): boolean {
    return this.#framing !== 'none' || (this.#status === 204 && this.#exchange?.head.method !== 'HEAD');
  }

  /** The whole body; a copy where the application could still change the bytes. */
  #takeBody(): string | Uint8Array | undefined {
    const chunks = this.#body;
    if (chunks.length === 0) return undefined;
    this.#body = [];
    if (chunks.length === 1) {
      const chunk = chunks[0] as string | Uint8Array;
      return typeof chunk === 'string' ? chunk : Buffer.from(chunk);
    }
    return Buffer.concat(chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk)));
  }
}
