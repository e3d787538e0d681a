import type { FileHandle } from 'node:fs/promises';
import { AbortReason, type Exchange, type RequestListener } from '../../exchange/exchange.js';
import type { FieldBlock } from '../../http/field-block.js';

/**
 * Sends parts of files as bodies of one exchange: one read ahead of the client, never more, so memory does not grow
 * with a slow client. Listens to the exchange from the start, as the contract of Exchange demands, and so knows when
 * the client is gone.
 */
export class FileBody implements RequestListener {
  readonly #exchange: Exchange;
  #isGone = false;
  #wake: (() => void) | undefined;

  /** To be created synchronously inside the exchange handler. */
  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    exchange.listen(this);
  }

  /** True when nothing can be sent any more. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /**
   * Sends `length` bytes from `position` on and ends the response. Resolves when all of it was handed over or the
   * client is gone; a file that fails or is shorter than promised truncates the response visibly. The caller closes
   * the file. `begin` was called with a Content-Length of `length`.
   */
  async send(file: FileHandle, position: number, length: number): Promise<void> {
    const end = position + length;
    for (let at = position; at < end; ) {
      // A buffer of its own for each read: a chunk belongs to the exchange once it is written.
      const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, end - at));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      if (this.#isGone) return;
      if (bytesRead === 0) {
        this.#exchange.abort(AbortReason.APPLICATION_ERROR);
        return;
      }
      at += bytesRead;
      const goOn = this.#exchange.write(bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead));
      if (!goOn && at < end) await this.#drained();
      if (this.#isGone) return;
    }
    this.#exchange.end();
  }

  data(chunk: Buffer): void {
    // The body of a GET has no meaning; it is dropped (RFC 9110 §9.3.1).
    this.#exchange.consumed(chunk.length);
  }

  end(_trailers: FieldBlock | undefined): void {
    // The request being complete changes nothing here.
  }

  drain(): void {
    this.#wake?.();
  }

  aborted(_reason: AbortReason): void {
    this.#isGone = true;
    this.#wake?.();
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

const READ_BYTES = 64 * 1024;
