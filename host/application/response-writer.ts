import { kindOf, PorticoError } from '../errors.js';
import type { Exchange } from '../exchange/exchange.js';
import type { CallSignals } from './call-signals.js';
import { CallAbortedError } from './http-errors.js';

/** Writes the body of a response that has begun. Lives until the response has ended or the client has gone. */
export interface ResponseWriter {
  /**
   * Sends a chunk; a text as UTF-8. The promise resolves when more may be written: awaiting it is what keeps memory
   * bounded. Rejects with `PORTICO_CALL_ABORTED` when the client has gone, `PORTICO_CONTENT_LENGTH` when more is
   * written than was declared, `PORTICO_INVALID_CONTENT` for what is no chunk. The bytes belong to the response from here on.
   */
  write(chunk: Uint8Array | string): Promise<void>;
  /** True when the client has gone; writing is then of no use. */
  readonly isAborted: boolean;
}

/** `ResponseWriter` over an exchange whose response has begun. Counts the bytes against the declared length. */
export class ExchangeWriter implements ResponseWriter {
  readonly #exchange: Exchange;
  readonly #signals: CallSignals;
  readonly #length: number | undefined;
  #written = 0;

  constructor(exchange: Exchange, signals: CallSignals, length: number | undefined) {
    this.#exchange = exchange;
    this.#signals = signals;
    this.#length = length;
  }

  get isAborted(): boolean {
    return this.#signals.isAborted || this.#exchange.isEnded;
  }

  async write(chunk: Uint8Array | string): Promise<void> {
    if (this.isAborted) throw new CallAbortedError(1);
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    if (!(bytes instanceof Uint8Array))
      throw new PorticoError(
        'PORTICO_INVALID_CONTENT',
        `A chunk of an answer must be bytes or a text, and is ${kindOf(bytes)}. Use a Buffer, or String().`,
      );
    if (bytes.length === 0) return;
    this.#written += bytes.length;
    if (this.#length !== undefined && this.#written > this.#length) throw this.#wrongLength();
    if (this.#exchange.write(bytes)) return;
    await this.#signals.whenWritable();
    if (this.isAborted) throw new CallAbortedError(1);
  }

  /** Ends the body. Fewer bytes than declared: `PORTICO_CONTENT_LENGTH`. */
  end(): void {
    if (this.isAborted) return;
    if (this.#length !== undefined && this.#written !== this.#length) throw this.#wrongLength();
    this.#exchange.end();
  }

  #wrongLength(): PorticoError {
    return new PorticoError(
      'PORTICO_CONTENT_LENGTH',
      `A length of ${this.#length} bytes was declared, but ${this.#written} were written. ` +
        'Declare the right length, or none.',
    );
  }
}
