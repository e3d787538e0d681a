import { Duplex } from 'node:stream';
import { TextWatch } from './text-watch.js';

type Callback = (error?: Error | null) => void;

/** What the socket needs of the `ws` session on it. */
export interface SocketUser {
  /** The client has sent a text that is no UTF-8; nothing more of it comes. To be answered with a close frame. */
  refuseText(): void;
  /** True when everything that was to be sent has been given to the socket. */
  isAllSent(): boolean;
}

/**
 * The socket that `ws` gets before there is a connection. The head that it writes is dropped, since the answer goes
 * through the send pipeline; what it writes afterwards waits until the tunnel is there. Ends and closes with the tunnel.
 */
export class HandshakeSocket extends Duplex {
  readonly #watch = new TextWatch();
  #tunnel: Duplex | undefined;
  #user: SocketUser | undefined;
  /** What the client still sends is dropped. */
  #isDeaf = false;
  #hasEnded = false;
  #isHeadDropped = false;
  #waiting: (() => void) | undefined;

  /** Joins the two, in both directions. Called once. */
  connect(tunnel: Duplex, user: SocketUser): void {
    this.#tunnel = tunnel;
    this.#user = user;
    tunnel.on('data', (chunk: Buffer) => this.#receive(chunk));
    tunnel.once('end', () => this.#endReading());
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
    } else if (this.#tunnel !== undefined)
      this.#tunnel.write(chunk, this.#isDeaf ? this.#last(callback) : callback);
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

  #receive(chunk: Buffer): void {
    if (this.#isDeaf) return;
    const isText = this.#watch.accept(chunk);
    // Also with what is wrong: messages before it are in the same chunk, and a message that is complete is refused by ws.
    if (!this.push(chunk)) this.#tunnel?.pause();
    if (isText) return;
    this.#isDeaf = true;
    this.#tunnel?.resume();
    this.#user?.refuseText();
  }

  /** RFC 6455 §7.1.7: behind the close frame the connection ends, without waiting for the client's. */
  #last(callback: Callback): Callback {
    return (error) => {
      callback(error);
      process.nextTick(() => {
        if (this.#user?.isAllSent() === true) this.#endReading();
      });
    };
  }

  #endReading(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.push(null);
  }
}
