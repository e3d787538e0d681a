import {
  AbortReason,
  type Exchange,
  type RequestHead,
  type RequestListener,
} from '../../exchange/exchange.js';
import { FieldBlock, type Fields } from '../../http/field-block.js';

/** What a relocated exchange tells its owner. */
export interface RelocationEvents {
  /** It has become a tunnel. */
  tunnelled(): void;
  /** Nothing more can happen. Called once. */
  over(): void;
}

/**
 * An exchange with another path and a limit for its body, for a handler that shall see the path within its context.
 * Everything else is that of the exchange below. Tells when both directions are over.
 */
export class RelocatedExchange implements Exchange, RequestListenerRelay {
  readonly head: RequestHead;
  attachment?: unknown;
  /** 101 was answered. */
  isTunnel = false;
  readonly #inner: Exchange;
  readonly #maxBodyBytes: number;
  readonly #events: RelocationEvents;
  #isOver = false;
  #received = 0;
  #hasResponded = false;
  #hasClientEnded = false;

  /** `maxBodyBytes` 0: no limit. */
  constructor(inner: Exchange, path: string, maxBodyBytes: number, events: RelocationEvents) {
    this.#inner = inner;
    this.#maxBodyBytes = maxBodyBytes;
    this.#events = events;
    this.head = { ...copyOf(inner.head), path };
  }

  get isBegun(): boolean {
    return this.#inner.isBegun;
  }

  get isEnded(): boolean {
    return this.#inner.isEnded;
  }

  listen(listener: RequestListener): void {
    this.#inner.listen(new ListenerRelay(listener, this));
  }

  consumed(bytes: number): void {
    this.#inner.consumed(bytes);
  }

  interim(status: number, fields: Fields): void {
    this.#inner.interim(status, fields);
  }

  respond(status: number, fields: Fields, body: string | Uint8Array | undefined): void {
    this.#inner.respond(status, fields, body);
    this.over();
  }

  begin(status: number, fields: Fields): void {
    this.#inner.begin(status, fields);
    if (status !== 101 || this.#inner.isEnded) return;
    this.isTunnel = true;
    this.#events.tunnelled();
  }

  write(chunk: Uint8Array): boolean {
    return this.#inner.write(chunk);
  }

  end(trailers?: Fields): void {
    this.#inner.end(trailers);
    this.#hasResponded = true;
    if (!this.isTunnel || this.#hasClientEnded) this.over();
  }

  abort(reason: AbortReason): void {
    this.#inner.abort(reason);
    this.over();
  }

  mayTake(bytes: number): boolean {
    this.#received += bytes;
    if (this.isTunnel || this.#maxBodyBytes === 0 || this.#received <= this.#maxBodyBytes) return true;
    this.abort(AbortReason.BODY_TOO_LARGE);
    return false;
  }

  clientEnded(): void {
    this.#hasClientEnded = true;
    if (this.isTunnel && this.#hasResponded) this.over();
  }

  over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.over();
  }
}

/** What the listener of a relocated exchange tells it. */
interface RequestListenerRelay {
  /** False: this is too much; the exchange has been given up. */
  mayTake(bytes: number): boolean;
  clientEnded(): void;
  over(): void;
}

/** Passes the events on, and lets the exchange know of those that end it. */
class ListenerRelay implements RequestListener {
  readonly #listener: RequestListener;
  readonly #exchange: RequestListenerRelay;

  constructor(listener: RequestListener, exchange: RequestListenerRelay) {
    this.#listener = listener;
    this.#exchange = exchange;
  }

  data(chunk: Buffer): void {
    if (this.#exchange.mayTake(chunk.length)) this.#listener.data(chunk);
    else this.#listener.aborted(AbortReason.BODY_TOO_LARGE);
  }

  end(trailers: FieldBlock | undefined): void {
    this.#listener.end(trailers);
    this.#exchange.clientEnded();
  }

  drain(): void {
    this.#listener.drain();
  }

  aborted(reason: AbortReason): void {
    this.#listener.aborted(reason);
    this.#exchange.over();
  }
}

/**
 * A head may keep its properties in accessors of its class, which a spread would lose. Its fields lie in one piece and
 * in order, which those of a connector need not.
 */
function copyOf(head: RequestHead): RequestHead {
  const { method, path, query, version, authority } = head;
  const fields = FieldBlock.of(head.fields.flat());
  const { bodyLength, upgrade, expectsContinue, connection } = head;
  return {
    method,
    path,
    query,
    version,
    fields,
    authority,
    bodyLength,
    upgrade,
    expectsContinue,
    connection,
  };
}
