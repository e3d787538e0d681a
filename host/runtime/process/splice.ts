import { AbortReason, type Exchange, type RequestListener, USED_UP } from '../../exchange/exchange.js';
import type { OutgoingExchange, ResponseListener } from '../../exchange/exchange-client.js';
import type { FieldBlock, Fields } from '../../http/field-block.js';
import { EventStream, isEventStream } from '../event-stream.js';
import type { Mount } from '../mount.js';
import { answerAborted, answerPlainly } from '../plain-answer.js';
import type { InstanceChannel } from './instance-channel.js';
import { SplicedTunnel } from './spliced-tunnel.js';

/** What a splice needs of the runtime that made it. */
export interface SpliceOwner {
  /** Another channel than `except` that could take a refused request; undefined for none. */
  channelFor(splice: Splice, except: InstanceChannel): InstanceChannel | undefined;
  /** The response has begun: its deadline no longer counts. */
  responded(splice: Splice): void;
  /** A tunnel is open. */
  tunnelled(splice: Splice, tunnel: SplicedTunnel): void;
  /** The response is an event stream. */
  streaming(splice: Splice): void;
  /** Both directions are over. Called once. */
  finished(splice: Splice): void;
}

/**
 * One request in the front, sent on to an instance, and its response on the way back. Both directions carry their
 * flow control through: credit that the one end returns is returned to the other. Nothing is copied and nothing is
 * kept, so memory for a body is at most one window in each direction.
 *
 * Made by ProcessRuntime for each request; belongs to it until `finished`. This object is the listener of the
 * response; its request side is the listener of the request, because the two have methods of the same names.
 */
export class Splice implements ResponseListener {
  readonly exchange: Exchange;
  readonly mount: Mount;
  /** Milliseconds of `performance.now()`. */
  readonly startedAt: number;
  /** Neighbours in the list of those whose response has not begun; kept by ProcessRuntime. */
  previous: Splice | undefined;
  next: Splice | undefined;
  isListed = false;

  readonly #owner: SpliceOwner;
  readonly #path: string;
  readonly #request: RequestSide;
  #channel: InstanceChannel | undefined;
  #outgoing: OutgoingExchange | undefined;
  #tunnel: SplicedTunnel | undefined;
  #events: EventStream | undefined;
  /** Bytes the client has not taken yet, for which the instance gets no credit. */
  #owed = 0;
  #hasRetried = false;
  #isFinished = false;

  /** To be called synchronously inside the exchange handler. Nothing is sent before `open`. */
  constructor(owner: SpliceOwner, exchange: Exchange, mount: Mount, path: string) {
    this.#owner = owner;
    this.exchange = exchange;
    this.mount = mount;
    this.#path = path;
    this.startedAt = performance.now();
    this.#request = new RequestSide(this);
    exchange.listen(this.#request);
  }

  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** Where the request went; undefined before it was sent. */
  get channel(): InstanceChannel | undefined {
    return this.#channel;
  }

  /** Sends the request to this instance. */
  open(channel: InstanceChannel): void {
    this.#channel = channel;
    const { head } = this.exchange;
    const stripped = this.#path === head.path ? '' : this.mount.path;
    const outgoing = channel.open(head, this.#path, this, stripped);
    if (outgoing === undefined) {
      this.aborted(AbortReason.REFUSED);
      return;
    }
    this.#outgoing = outgoing;
    this.#request.connect(outgoing);
  }

  /** Ends an exchange that has no response yet with this status. */
  fail(status: number, reason: string, extra?: readonly string[]): void {
    if (this.#isFinished) return;
    this.#outgoing?.abort(status === 504 ? AbortReason.TIMEOUT : AbortReason.CANCELLED);
    if (!this.exchange.isBegun && !this.exchange.isEnded) answerPlainly(this.exchange, status, reason, extra);
    this.#finish();
  }

  /** Cuts whatever is open. */
  cut(reason: AbortReason): void {
    if (this.#isFinished) return;
    this.mount.deployment?.doom?.(this.exchange.head);
    this.#outgoing?.abort(reason);
    this.exchange.abort(reason);
    this.#finish();
  }

  /** Ends an event stream before its next event; harmless for anything else. */
  endEvents(): void {
    this.#events?.goAway();
  }

  // The response, from the instance.

  interim(status: number, fields: FieldBlock): void {
    this.exchange.interim(status, fields);
  }

  response(status: number, fields: FieldBlock, body: Buffer | undefined, isComplete: boolean): void {
    const { exchange } = this;
    this.#owner.responded(this);
    if (isComplete && status !== 101) {
      exchange.respond(status, fields, body);
      this.#responseDone();
      return;
    }
    exchange.begin(status, fields);
    // The producer may have refused the head, and said so.
    if (this.#isFinished) return;
    if (status === 101 && this.#outgoing !== undefined) {
      this.#tunnel = new SplicedTunnel(exchange, this.#outgoing, fields.get('upgrade'));
      this.#request.tunnel = this.#tunnel;
      this.#owner.tunnelled(this, this.#tunnel);
    } else if (isEventStream(status, fields)) {
      this.#events = new EventStream(exchange, () => {
        this.#outgoing?.abort(AbortReason.CANCELLED);
        this.#finish();
      });
      this.#owner.streaming(this);
    }
    if (body !== undefined && body.length > 0) this.data(body);
    if (isComplete && !this.#isFinished) this.end(undefined);
  }

  data(chunk: Buffer): unknown {
    if (this.#tunnel !== undefined) {
      this.#tunnel.fromApplication(chunk);
      return undefined;
    }
    const { exchange } = this;
    // Credit goes back to the instance when the client has taken the bytes, or at once while it keeps up.
    const writer = this.#events ?? exchange;
    if (writer.write(chunk)) this.#outgoing?.consumed(chunk.length);
    else this.#owed += chunk.length;
    return exchange.isHolding === false ? USED_UP : undefined;
  }

  /** The client reads again. */
  clientDrained(): void {
    if (this.#tunnel !== undefined) {
      this.#tunnel.clientDrained();
      return;
    }
    const bytes = this.#owed;
    if (bytes === 0) return;
    this.#owed = 0;
    this.#outgoing?.consumed(bytes);
  }

  end(trailers: Fields | undefined): void {
    if (this.#tunnel !== undefined) {
      if (this.#tunnel.applicationEnded()) this.#finish();
      return;
    }
    this.exchange.end(trailers);
    this.#responseDone();
  }

  drain(): void {
    this.#request.instanceDrained();
  }

  aborted(reason: AbortReason): void {
    if (this.#isFinished) return;
    this.#outgoing = undefined;
    if (this.exchange.isBegun) {
      this.mount.deployment?.cut();
      this.mount.deployment?.doom?.(this.exchange.head);
      this.exchange.abort(reason);
      this.#finish();
      return;
    }
    if (reason === AbortReason.REFUSED && this.#retry()) return;
    if (reason === AbortReason.INSTANCE_GONE) this.mount.deployment?.doom?.(this.exchange.head);
    answerAborted(this.exchange, reason);
    this.#finish();
  }

  // What the request side tells.

  /** The client has gone, or its request cannot be read to the end. The exchange is over. */
  requestAborted(reason: AbortReason): void {
    if (this.#isFinished) return;
    this.#outgoing?.abort(reason);
    this.#finish();
  }

  /** More body than this context allows. */
  bodyTooLarge(): void {
    if (this.#isFinished) return;
    this.mount.counters.tooLargeBodies++;
    this.#outgoing?.abort(AbortReason.BODY_TOO_LARGE);
    if (this.exchange.isBegun) this.exchange.abort(AbortReason.BODY_TOO_LARGE);
    else answerAborted(this.exchange, AbortReason.BODY_TOO_LARGE);
    this.#finish();
  }

  /** The client's direction of a tunnel is over. */
  clientEnded(): void {
    if (this.#tunnel?.clientEnded() === true) this.#finish();
  }

  /** An instance refused the request untouched: one other may have it, unless bytes of the body are gone. */
  #retry(): boolean {
    const refused = this.#channel;
    if (this.#hasRetried || refused === undefined || this.#request.hasSent) return false;
    const other = this.#owner.channelFor(this, refused);
    if (other === undefined) return false;
    this.#hasRetried = true;
    this.open(other);
    return true;
  }

  #responseDone(): void {
    // Whatever of the request is still to come has no reader any more (RFC 9112 §9.3: the connector drops it).
    if (!this.#request.isComplete) this.#outgoing?.abort(AbortReason.CANCELLED);
    this.#finish();
  }

  #finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#outgoing = undefined;
    this.#owner.finished(this);
  }
}

/** The request on its way to the instance. Before there is an instance it keeps what comes; that is one window. */
class RequestSide implements RequestListener {
  readonly #splice: Splice;
  tunnel: SplicedTunnel | undefined;
  /** The whole request has been received and sent. */
  isComplete = false;
  /** Bytes of the body were sent to an instance. */
  hasSent = false;
  #outgoing: OutgoingExchange | undefined;
  #received = 0;
  #owed = 0;
  #waiting: Buffer[] | undefined;
  #hasEnded = false;
  #trailers: FieldBlock | undefined;

  constructor(splice: Splice) {
    this.#splice = splice;
    // A request without a body is complete with its head; so it goes out as one frame.
    this.isComplete = splice.exchange.head.bodyLength === 0 && splice.exchange.head.upgrade === undefined;
  }

  connect(outgoing: OutgoingExchange): void {
    this.#outgoing = outgoing;
    const waiting = this.#waiting;
    if (waiting !== undefined) {
      this.#waiting = undefined;
      for (const chunk of waiting) this.#send(outgoing, chunk);
    }
    if (this.#hasEnded && !this.isComplete) this.#sendEnd(outgoing);
  }

  data(chunk: Buffer): unknown {
    const splice = this.#splice;
    if (splice.isFinished) {
      splice.exchange.consumed(chunk.length);
      return USED_UP;
    }
    if (this.tunnel !== undefined) {
      this.tunnel.fromClient(chunk);
      return undefined;
    }
    this.#received += chunk.length;
    const { maxBodyBytes } = splice.mount;
    if (maxBodyBytes > 0 && this.#received > maxBodyBytes) {
      splice.bodyTooLarge();
      return USED_UP;
    }
    const outgoing = this.#outgoing;
    if (outgoing !== undefined) this.#send(outgoing, chunk);
    else if (this.#waiting === undefined) this.#waiting = [chunk];
    else this.#waiting.push(chunk);
    return outgoing?.sendMark;
  }

  end(trailers: FieldBlock | undefined): void {
    this.#hasEnded = true;
    const splice = this.#splice;
    if (this.isComplete || splice.isFinished) return;
    if (this.tunnel !== undefined) {
      splice.clientEnded();
      return;
    }
    this.#trailers = trailers;
    if (this.#outgoing !== undefined) this.#sendEnd(this.#outgoing);
  }

  drain(): void {
    this.#splice.clientDrained();
  }

  aborted(reason: AbortReason): void {
    this.#splice.requestAborted(reason);
  }

  instanceDrained(): void {
    if (this.tunnel !== undefined) {
      this.tunnel.instanceDrained();
      return;
    }
    const bytes = this.#owed;
    if (bytes === 0) return;
    this.#owed = 0;
    if (!this.#splice.isFinished) this.#splice.exchange.consumed(bytes);
  }

  #send(outgoing: OutgoingExchange, chunk: Buffer): void {
    this.hasSent = true;
    if (outgoing.write(chunk)) this.#splice.exchange.consumed(chunk.length);
    else this.#owed += chunk.length;
  }

  #sendEnd(outgoing: OutgoingExchange): void {
    this.isComplete = true;
    outgoing.end(this.#trailers);
  }
}
