import {
  AbortReason,
  type Exchange,
  type RequestHead,
  type RequestListener,
} from '../../exchange/exchange.js';
import { FieldBlock, type Fields } from '../../http/field-block.js';
import type { Departure } from '../../lifecycle/departure.js';
import { EventStream, isEventStream } from '../event-stream.js';
import { type ApplicationEnd, SplicedTunnel } from '../process/spliced-tunnel.js';

/** What a relocated exchange tells its owner. */
export interface RelocationEvents {
  /** It has become a tunnel. */
  tunnelled(): void;
  /** The answer is an event stream. */
  streaming?(): void;
  /** More body came than the context allows. */
  bodyTooLarge(): void;
  /** The upstream has gone, or it is given up here; said before the client sees it. */
  broken?(): void;
  /** Nothing more can happen. Called once. */
  over(): void;
}

/**
 * An exchange with another path and a limit for its body, for a handler that shall see the path within its context.
 * Everything else is that of the exchange below. Tells when both directions are over. Only WebSockets become tunnels;
 * to a request for another protocol the upstream answers as if it had not been asked for (RFC 9110 §7.8).
 */
export class RelocatedExchange implements Exchange, RequestListenerRelay {
  readonly head: RequestHead;
  attachment?: unknown;
  readonly #inner: Exchange;
  readonly #maxBodyBytes: number;
  readonly #events: RelocationEvents;
  readonly #ignoresUpgrade: boolean;
  #relay: ListenerRelay | undefined;
  #tunnel: SplicedTunnel | undefined;
  #stream: EventStream | undefined;
  #handlerEnd: HandlerEnd | undefined;
  #isOver = false;
  #received = 0;
  #hasResponded = false;
  #hasClientEnded = false;

  /** `maxBodyBytes` 0: no limit. */
  constructor(inner: Exchange, path: string, maxBodyBytes: number, events: RelocationEvents) {
    this.#inner = inner;
    this.#maxBodyBytes = maxBodyBytes;
    this.#events = events;
    const { upgrade, method } = inner.head;
    this.#ignoresUpgrade =
      upgrade !== undefined && (upgrade.toLowerCase() !== 'websocket' || method !== 'GET');
    const head = { ...copyOf(inner.head), path };
    this.head = this.#ignoresUpgrade ? { ...head, upgrade: undefined, bodyLength: 0 } : head;
  }

  get isBegun(): boolean {
    return this.#inner.isBegun;
  }

  /** A tunnel may have ended for the client, and not for the handler. */
  get isEnded(): boolean {
    return this.#tunnel === undefined ? this.#inner.isEnded : this.#hasResponded || this.#isOver;
  }

  /** Asks the client of a WebSocket to close, see `SplicedTunnel`; ends an event stream before its next event. */
  goAway(departure: Departure): void {
    this.#tunnel?.goAway(departure);
    this.#stream?.goAway();
  }

  listen(listener: RequestListener): void {
    this.#relay = new ListenerRelay(listener, this);
    this.#inner.listen(this.#relay);
    // The exchange below waits for bytes of the other protocol.
    if (this.#ignoresUpgrade) listener.end(undefined);
  }

  consumed(bytes: number): void {
    this.#inner.consumed(bytes);
  }

  interim(status: number, fields: Fields): void {
    this.#inner.interim(status, fields);
  }

  respond(status: number, fields: Fields, body: string | Uint8Array | undefined): void {
    if (status === BAD_GATEWAY) this.#events.broken?.();
    this.#inner.respond(status, fields, body);
    this.over();
  }

  begin(status: number, fields: Fields): void {
    if (status === BAD_GATEWAY) this.#events.broken?.();
    this.#inner.begin(status, fields);
    if (this.#inner.isEnded || this.#relay === undefined) return;
    if (isEventStream(status, fields)) {
      const { listener } = this.#relay;
      this.#stream = new EventStream(this.#inner, () => {
        listener.aborted(AbortReason.CANCELLED);
        this.over();
      });
      this.#events.streaming?.();
    }
    if (status !== 101) return;
    this.#handlerEnd = new HandlerEnd(this.#relay.listener);
    this.#tunnel = new SplicedTunnel(this.#inner, this.#handlerEnd);
    this.#events.tunnelled();
    if (this.#hasClientEnded) this.#tunnel.clientEnded();
  }

  write(chunk: Uint8Array): boolean {
    const tunnel = this.#tunnel;
    const end = this.#handlerEnd;
    if (tunnel === undefined || end === undefined) return (this.#stream ?? this.#inner).write(chunk);
    end.unpaidBytes += chunk.length;
    tunnel.fromApplication(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    return end.unpaidBytes === 0;
  }

  end(trailers?: Fields): void {
    this.#hasResponded = true;
    if (this.#tunnel === undefined) {
      this.#inner.end(trailers);
      this.over();
    } else if (this.#tunnel.applicationEnded()) this.over();
  }

  abort(reason: AbortReason): void {
    if (reason !== AbortReason.BODY_TOO_LARGE && !this.#inner.isEnded) this.#events.broken?.();
    this.#inner.abort(reason);
    this.over();
  }

  mayTake(bytes: number): boolean {
    this.#received += bytes;
    if (this.#maxBodyBytes === 0 || this.#received <= this.#maxBodyBytes) return true;
    this.#events.bodyTooLarge();
    this.abort(AbortReason.BODY_TOO_LARGE);
    return false;
  }

  get tunnel(): SplicedTunnel | undefined {
    return this.#tunnel;
  }

  clientEnded(): void {
    this.#hasClientEnded = true;
    if (this.#tunnel?.clientEnded() === true) this.over();
  }

  over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#events.over();
  }
}

/** What is answered for an upstream that broke off. */
const BAD_GATEWAY = 502;

/** The handler as the end of a tunnel. It returns the credit for what it gets by itself. */
class HandlerEnd implements ApplicationEnd {
  readonly #listener: RequestListener;
  /** Written by the handler and not taken by the client. */
  unpaidBytes = 0;

  constructor(listener: RequestListener) {
    this.#listener = listener;
  }

  write(chunk: Uint8Array): boolean {
    this.#listener.data(chunk as Buffer);
    return false;
  }

  consumed(bytes: number): void {
    this.unpaidBytes -= bytes;
  }

  end(): void {
    this.#listener.end(undefined);
  }
}

/** What the listener of a relocated exchange tells it. */
interface RequestListenerRelay {
  /** Where the bytes go once 101 was answered. */
  readonly tunnel: SplicedTunnel | undefined;
  /** False: this is too much; the exchange has been given up. */
  mayTake(bytes: number): boolean;
  clientEnded(): void;
  over(): void;
}

/** Passes the events on, and lets the exchange know of those that end it. */
class ListenerRelay implements RequestListener {
  readonly listener: RequestListener;
  readonly #exchange: RequestListenerRelay;

  constructor(listener: RequestListener, exchange: RequestListenerRelay) {
    this.listener = listener;
    this.#exchange = exchange;
  }

  data(chunk: Buffer): void {
    const { tunnel } = this.#exchange;
    if (tunnel !== undefined) tunnel.fromClient(chunk);
    else if (this.#exchange.mayTake(chunk.length)) this.listener.data(chunk);
    else this.listener.aborted(AbortReason.BODY_TOO_LARGE);
  }

  end(trailers: FieldBlock | undefined): void {
    if (this.#exchange.tunnel === undefined) this.listener.end(trailers);
    this.#exchange.clientEnded();
  }

  drain(): void {
    this.#exchange.tunnel?.clientDrained();
    this.listener.drain();
  }

  aborted(reason: AbortReason): void {
    this.listener.aborted(reason);
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
