import { Duplex } from 'node:stream';
import { AbortReason, type Exchange, type RequestListener } from '../exchange/exchange.js';
import { CallAbortedError } from './http-errors.js';

type WriteCallback = (error?: Error | null) => void;

/**
 * An exchange that was answered with 101, as the stream that protocols of Node work on. Ending it closes our direction,
 * destroying it cuts both. Made by `commitResponse`; owned by whoever the `UpgradeContent` belongs to. Bytes are taken
 * from the client no faster than the stream is read, and `write` calls back when the client's side has room.
 */
export class UpgradeTunnel extends Duplex {
  /** What the exchange tells; for `CallSignals`. */
  readonly listener: RequestListener;
  readonly #exchange: Exchange;
  /** Bytes given to the stream that its reader has not asked behind yet. */
  #uncredited = 0;
  #held: WriteCallback | undefined;
  #hasClientEnded = false;

  constructor(exchange: Exchange) {
    super();
    this.#exchange = exchange;
    this.listener = {
      data: (chunk) => this.#receive(chunk),
      end: () => {
        this.#hasClientEnded = true;
        this.push(null);
      },
      drain: () => this.#release(),
      aborted: (reason) => {
        const error = new CallAbortedError(reason);
        // As with a socket, but nobody has to listen: the end of a client must not end the process.
        this.destroy(this.listenerCount('error') > 0 ? error : undefined);
      },
    };
  }

  override _read(): void {
    const bytes = this.#uncredited;
    this.#uncredited = 0;
    if (bytes > 0) this.#exchange.consumed(bytes);
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: WriteCallback): void {
    this.#send([chunk], callback);
  }

  override _writev(chunks: readonly { readonly chunk: Uint8Array }[], callback: WriteCallback): void {
    this.#send(
      chunks.map(({ chunk }) => chunk),
      callback,
    );
  }

  override _final(callback: WriteCallback): void {
    if (!this.#exchange.isEnded) this.#exchange.end();
    callback();
  }

  override _destroy(error: Error | null, callback: WriteCallback): void {
    this.#release();
    if (!this.#exchange.isEnded || !this.#hasClientEnded) this.#exchange.abort(AbortReason.CANCELLED);
    callback(error);
  }

  #receive(chunk: Buffer): void {
    if (this.destroyed) this.#exchange.consumed(chunk.length);
    else if (this.push(chunk)) this.#exchange.consumed(chunk.length);
    else this.#uncredited += chunk.length;
  }

  #send(chunks: readonly Uint8Array[], callback: WriteCallback): void {
    let hasRoom = true;
    for (const chunk of chunks) {
      if (this.#exchange.isEnded) {
        callback(new CallAbortedError(AbortReason.CANCELLED));
        return;
      }
      hasRoom = this.#exchange.write(chunk);
    }
    if (hasRoom || this.#exchange.isEnded) callback();
    else this.#held = callback;
  }

  #release(): void {
    const held = this.#held;
    this.#held = undefined;
    held?.();
  }
}
