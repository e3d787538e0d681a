import { Socket } from 'node:net';
import { AbortReason, type ConnectionInfo, type Exchange } from '../exchange/exchange.js';
import type { FieldBlock } from '../http/field-block.js';
import type { MountPoint } from './context-path-fields.js';
import type { DirectRequests } from './direct-request.js';
import { RequestFeed } from './request-feed.js';
import { type RequestMount, requestText, trailerText } from './request-text.js';
import { ResponseReader } from './response-reader.js';
import { ResponseRelay } from './response-relay.js';
import { TLS_SOCKET_FACTS } from './tls-socket-facts.js';

/** Who made a virtual connection and takes it back. */
export interface VirtualConnectionOwner {
  readonly mount: RequestMount;
  /** Undefined when every request is to go through the server's parser. */
  readonly direct: DirectRequests | undefined;
  /** The connection has done its exchange and can take another. */
  release(connection: VirtualConnection): void;
  /** The connection is gone, whatever the reason. */
  forget(connection: VirtualConnection): void;
}

/**
 * A `net.Socket` without a descriptor: Node's HTTP server believes it to be a client's connection. What the server
 * reads from it is the request of an exchange as HTTP/1.1 bytes; what the server writes to it is parsed back into the
 * response of that exchange. One exchange at a time; kept for the next one like a keep-alive connection.
 *
 * Owned by `VirtualConnections`. Outlived by the exchange only when the application destroys the socket, and then the
 * exchange is aborted; when the client goes away the socket is destroyed, so that the application notices.
 */
export class VirtualConnection extends Socket {
  readonly #owner: VirtualConnectionOwner;
  readonly #relay = new ResponseRelay();
  readonly #reader = new ResponseReader(this.#relay);
  #exchange: Exchange | undefined;
  #info: ConnectionInfo = NOWHERE;
  /**
   * A request has gone through the parser. Before that the server counts the connection as one that owes its first
   * request: it would time it out, and not count it among the idle ones.
   */
  #isSeasoned = false;
  #isHeadSent = false;
  #isRequestDone = true;
  /** Body bytes that Node's parser has not taken yet, so that no credit was given for them. */
  #uncredited = 0;
  #isBodyStarted = false;
  #heldCallback: WriteCallback | undefined;
  /** The `ServerResponse` that Node attached; its detaching tells that the response is finished. */
  #message: AttachedResponse | null = null;
  #lingering: NodeJS.Timeout | undefined;
  #isAwaitingReader = false;
  #bytesIn = 0;
  #bytesOut = 0;

  constructor(owner: VirtualConnectionOwner) {
    super({ allowHalfOpen: true });
    this.#owner = owner;
  }

  /** Hands a request to the HTTP server this connection was given to. Only when there is none in progress. */
  serve(exchange: Exchange): void {
    const { head } = exchange;
    const { mount } = this.#owner;
    this.#exchange = exchange;
    this.#info = head.connection;
    this.#isHeadSent = false;
    this.#isRequestDone = false;
    this.#isBodyStarted = false;
    this.#uncredited = 0;
    const isRewritten = mount.isStripped && mount.contextPath !== '';
    const point: MountPoint | undefined = isRewritten
      ? { contextPath: mount.contextPath, authority: head.authority, fields: head.fields }
      : undefined;
    this.#relay.reset(exchange);
    this.#reader.reset(head.method, head.upgrade !== undefined, point);
    exchange.listen(new RequestFeed(this, exchange));
    try {
      this.#sendHead();
    } catch (thrown) {
      // The application threw while it was handed the request. Whether that ends the process is not decided here.
      this.#exchange = undefined;
      this.destroy();
      throw thrown;
    }
  }

  /** Part of the request body, or of a tunnel. */
  feedData(exchange: Exchange, chunk: Buffer): void {
    if (this.#exchange !== exchange) return;
    if (this.destroyed) {
      exchange.consumed(chunk.length);
      return;
    }
    this.#sendHead();
    this.#lingering?.refresh();
    if (exchange.head.bodyLength < 0 && exchange.head.upgrade === undefined) {
      // RFC 9112 §7.1; the line end of a chunk goes with the size of the next.
      this.#push(
        Buffer.from(`${this.#isBodyStarted ? '\r\n' : ''}${chunk.length.toString(16)}\r\n`, 'latin1'),
      );
      this.#isBodyStarted = true;
    }
    if (this.#push(chunk)) exchange.consumed(chunk.length);
    else this.#uncredited += chunk.length;
  }

  feedEnd(exchange: Exchange, trailers: FieldBlock | undefined): void {
    if (this.#exchange !== exchange || this.#isRequestDone) return;
    this.#sendHead();
    this.#isRequestDone = true;
    if (this.destroyed) return;
    if (exchange.head.upgrade !== undefined) {
      if (this.#relay.isTunnel) this.push(null);
    } else if (exchange.head.bodyLength < 0) {
      this.#push(
        Buffer.from(`${this.#isBodyStarted ? '\r\n' : ''}0\r\n${trailerText(trailers)}\r\n`, 'latin1'),
      );
    }
    this.#releaseWhenDone();
  }

  feedDrain(exchange: Exchange): void {
    if (this.#exchange === exchange) this.#callBack();
  }

  feedAborted(exchange: Exchange): void {
    if (this.#exchange !== exchange) return;
    this.#exchange = undefined;
    this.destroy();
  }

  override _read(): void {
    if (this.#uncredited === 0) return;
    const bytes = this.#uncredited;
    this.#uncredited = 0;
    this.#exchange?.consumed(bytes);
  }

  override _write(chunk: string | Uint8Array, encoding: BufferEncoding, callback: WriteCallback): void {
    this.#read(chunk, encoding);
    this.#flush(callback);
  }

  override _writev(
    chunks: readonly { chunk: string | Uint8Array; encoding: BufferEncoding }[],
    callback: WriteCallback,
  ): void {
    for (const { chunk, encoding } of chunks) this.#read(chunk, encoding);
    this.#flush(callback);
  }

  override _final(callback: WriteCallback): void {
    this.#relay.finish();
    if (!this.#relay.isTunnel) this.#abortUnlessEnded();
    callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#lingering);
    const exchange = this.#exchange;
    this.#exchange = undefined;
    if (exchange !== undefined) {
      // What an application writes on its way out, such as Node's own 400 for a request it refuses, is an answer;
      // a response that it was still writing is cut.
      if (error === null || this.#message === null) this.#relay.flush();
      if (this.#relay.isDelimitedByClose && this.#message?.finished !== false) this.#relay.finish();
      if (!exchange.isEnded) exchange.abort(AbortReason.APPLICATION_ERROR);
      else if (this.#relay.isTunnel && !this.#isRequestDone) exchange.abort(AbortReason.CANCELLED);
    }
    const held = this.#heldCallback;
    this.#heldCallback = undefined;
    held?.();
    this.#owner.forget(this);
    super._destroy(error, callback);
  }

  override setNoDelay(): this {
    return this;
  }

  override setKeepAlive(): this {
    return this;
  }

  override ref(): this {
    return this;
  }

  override unref(): this {
    return this;
  }

  override address(): { address: string; family: string; port: number } {
    const { localAddress, localPort } = this.#info;
    return { address: localAddress, family: familyOf(localAddress), port: localPort };
  }

  #sendHead(): void {
    const exchange = this.#exchange;
    if (this.#isHeadSent || exchange === undefined) return;
    this.#isHeadSent = true;
    const { direct } = this.#owner;
    if (this.#isSeasoned && direct?.canTake(this, exchange.head)) {
      if (this.timeout) (this as unknown as { _unrefTimer(): void })._unrefTimer();
      direct.deliver(this, exchange.head);
      return;
    }
    this.#push(Buffer.from(requestText(exchange.head, this.#owner.mount), 'latin1'));
  }

  #push(bytes: Buffer): boolean {
    this.#bytesIn += bytes.length;
    if (this.timeout) (this as unknown as { _unrefTimer(): void })._unrefTimer();
    return this.push(bytes);
  }

  #read(chunk: string | Uint8Array, encoding: BufferEncoding): void {
    this.#bytesOut += chunk.length;
    this.#reader.read(chunk, encoding);
  }

  #flush(callback: WriteCallback): void {
    if (this.timeout) (this as unknown as { _unrefTimer(): void })._unrefTimer();
    if (this.#relay.failure !== undefined) {
      const error = new Error(`Not a response that can be sent: ${this.#relay.failure}.`);
      this.#abortUnlessEnded();
      callback();
      this.destroy(error);
      return;
    }
    let mayContinue: boolean;
    try {
      mayContinue = this.#relay.flush();
    } catch (error) {
      // A head that the exchange cannot carry: too large, or a status or character it does not know.
      this.#abortUnlessEnded();
      callback();
      this.destroy(error as Error);
      return;
    }
    if (mayContinue) callback();
    else this.#heldCallback = callback;
  }

  #callBack(): void {
    const held = this.#heldCallback;
    this.#heldCallback = undefined;
    held?.();
  }

  #abortUnlessEnded(): void {
    if (this.#exchange?.isEnded === false) this.#relay.abort();
  }

  /** Node attaches a response before the application sees the request, and detaches it when it is finished. */
  #attach(message: AttachedResponse | null): void {
    const before = this.#message;
    this.#message = message;
    if (message !== null) {
      // The front writes both for every answer. Of what Node writes, it would be read here only to be passed on or dropped.
      message.sendDate = false;
      message._removedConnection = true;
      return;
    }
    if (before === null) return;
    if (before._last === true) return;
    // Node leaves the connection open behind a coding that is not chunked; here nothing else can follow on it.
    if (this.#relay.isDelimitedByClose) this.#relay.finish();
    if (this.#reader.isIncomplete) {
      // Fewer bytes than Content-Length promised: the client must see that it is cut (RFC 9112 §8).
      this.#abortUnlessEnded();
      this.destroy();
      return;
    }
    this.#releaseWhenDone();
  }

  #releaseWhenDone(): void {
    const exchange = this.#exchange;
    if (exchange === undefined || this.destroyed || this.#message !== null || !this.#relay.isDone) return;
    if (exchange.head.upgrade !== undefined) {
      // Refused upgrade: what the client sends next may be meant for the other protocol.
      this.#exchange = undefined;
      process.nextTick(destroyQuietly, this);
      return;
    }
    if (!this.#isRequestDone) {
      // The application answered early. It may read on for a while, as on a real connection.
      this.#lingering ??= setTimeout(destroyQuietly, LINGER_MS, this).unref();
      return;
    }
    if (this.readableLength > 0 || this.isPaused()) {
      this.#awaitReader();
      return;
    }
    clearTimeout(this.#lingering);
    this.#lingering = undefined;
    this.#exchange = undefined;
    this.#isSeasoned = true;
    this.#owner.release(this);
  }

  /**
   * The application has answered and still holds back part of the body. What follows on this connection would wait
   * behind that part, or be mixed up with it, so nobody else gets the connection before it was read.
   */
  #awaitReader(): void {
    if (this.#lingering === undefined) this.#lingering = setTimeout(destroyQuietly, LINGER_MS, this).unref();
    else this.#lingering.refresh();
    if (this.#isAwaitingReader) return;
    this.#isAwaitingReader = true;
    const lookAgain = (): void => {
      setImmediate(() => {
        this.#isAwaitingReader = false;
        this.#releaseWhenDone();
      });
    };
    if (this.isPaused()) this.once('resume', lookAgain);
    else lookAgain();
  }

  static {
    const facts: Record<string, (connection: VirtualConnection) => unknown> = {
      remoteAddress: (connection) => connection.#info.remoteAddress,
      remotePort: (connection) => connection.#info.remotePort,
      remoteFamily: (connection) => familyOf(connection.#info.remoteAddress),
      localAddress: (connection) => connection.#info.localAddress,
      localPort: (connection) => connection.#info.localPort,
      localFamily: (connection) => familyOf(connection.#info.localAddress),
      bytesRead: (connection) => connection.#bytesIn,
      bytesWritten: (connection) => connection.#bytesOut,
      pending: () => false,
    };
    for (const [name, tell] of Object.entries(TLS_SOCKET_FACTS))
      facts[name] = (connection) => tell(connection.#info);
    for (const [name, get] of Object.entries(facts))
      Object.defineProperty(VirtualConnection.prototype, name, {
        configurable: true,
        get(this: VirtualConnection) {
          return get(this);
        },
        // `encrypted` and others are set by some middleware behind proxies; an own property then wins.
        set(this: VirtualConnection, value: unknown) {
          Object.defineProperty(this, name, { value, configurable: true, writable: true, enumerable: true });
        },
      });
    Object.defineProperty(VirtualConnection.prototype, '_httpMessage', {
      configurable: true,
      get(this: VirtualConnection) {
        return this.#message;
      },
      set(this: VirtualConnection, message: AttachedResponse | null) {
        this.#attach(message);
      },
    });
  }
}

type WriteCallback = (error?: Error | null) => void;

/** Of Node's `ServerResponse`: two properties that tell how it ended, and two that say what it writes. */
interface AttachedResponse {
  /** The application has called `end`. */
  readonly finished: boolean;
  /** Node closes the connection after this response. */
  readonly _last?: boolean;
  sendDate: boolean;
  /** What `removeHeader('Connection')` sets: no Connection and no Keep-Alive of Node's own. */
  _removedConnection: boolean;
}

/** How long a request body may go on after the response has ended, from its last byte. */
const LINGER_MS = 10_000;

const NOWHERE: ConnectionInfo = {
  remoteAddress: '',
  remotePort: 0,
  localAddress: '',
  localPort: 0,
  isSecure: false,
};

function destroyQuietly(connection: VirtualConnection): void {
  connection.destroy();
}

function familyOf(address: string): 'IPv4' | 'IPv6' {
  return address.includes(':') ? 'IPv6' : 'IPv4';
}
