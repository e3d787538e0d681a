import { Duplex } from 'node:stream';

type Callback = (error?: Error | null) => void;

/**
 * The socket that `ws` gets before there is a connection. The head that it writes is dropped, since the answer goes
 * through the send pipeline; what it writes afterwards waits until the tunnel is there. Ends and closes with the tunnel.
 */
export class HandshakeSocket extends Duplex {
  #tunnel: Duplex | undefined;
  #isHeadDropped = false;
  #waiting: (() => void) | undefined;

  /** Joins the two, in both directions. Called once. */
  connect(tunnel: Duplex): void {
    this.#tunnel = tunnel;
    tunnel.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) tunnel.pause();
    });
    tunnel.once('end', () => this.push(null));
    tunnel.once('error', (error) => this.destroy(error));
    tunnel.once('close', () => this.destroy());
    if (this.destroyed) tunnel.destroy();
    this.#waiting?.();
    this.#waiting = undefined;
  }

  override _read(): void {
    this.#tunnel?.resume();
  }

  override _write(chunk: Uint8Array, encoding: BufferEncoding, callback: Callback): void {
    if (!this.#isHeadDropped) {
      this.#isHeadDropped = true;
      callback();
    } else if (this.#tunnel !== undefined) this.#tunnel.write(chunk, callback);
    else this.#waiting = () => this._write(chunk, encoding, callback);
  }

  override _final(callback: Callback): void {
    if (this.#tunnel === undefined) this.#waiting = () => this._final(callback);
    else this.#tunnel.end(callback);
  }

  override _destroy(error: Error | null, callback: Callback): void {
    this.#tunnel?.destroy();
    callback(error);
  }
}
